// What libcurl and the TLS libraries are given in the place of a pointer, for callbacks that can come when the object
// is gone: from libcurl 8.9 on TLS sessions are ended in the background, after the transfer and its easy handle.
#pragma once

#include <cstdint>
#include <map>

namespace mtasts {

// A member of the object, which stays where it is. Objects of one process, and of one thread.
template <typename Object>
class CallbackTarget {
 public:
  explicit CallbackTarget(Object& object) : number_(++last_number()) { living()[number_] = &object; }
  ~CallbackTarget() { living().erase(number_); }
  CallbackTarget(const CallbackTarget&) = delete;
  CallbackTarget& operator=(const CallbackTarget&) = delete;

  // For the callback's user data; no address.
  [[nodiscard]] void* data() const { return reinterpret_cast<void*>(number_); }  // NOLINT(performance-no-int-to-ptr)
  // nullptr: the object is gone.
  static Object* find(const void* data) {
    const auto found = living().find(reinterpret_cast<std::uintptr_t>(data));
    return found == living().end() ? nullptr : found->second;
  }

 private:
  static std::uintptr_t& last_number() {
    static std::uintptr_t last = 0;
    return last;
  }
  // Never destroyed: a callback may come that late.
  static std::map<std::uintptr_t, Object*>& living() {
    static auto& all = *new std::map<std::uintptr_t, Object*>;
    return all;
  }

  std::uintptr_t number_;
};

}  // namespace mtasts
