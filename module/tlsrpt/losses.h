// Sessions that are not reported: counted, and a warning once an hour for each reason, with how many they were.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <utility>

#include "module/io/log.h"

namespace mtasts {

// `log` must outlive the object. One thread.
class TlsrptLosses {
 public:
  enum class Why {
    kNobody,     // nobody listens there
    kForbidden,  // this program's user may not write there
    kSlow,       // the collector does not keep up
    kTooLarge,   // for a datagram
    kDns,        // the records that ask for reports do not come
    kNotAsked,   // they could not be asked for, for a reason of our own
    kNoHelper,   // which would ask for them
    kOther,
  };

  // True once an hour for a reason's name.
  using IsDue = std::function<bool(const char* name)>;

  TlsrptLosses(IsDue is_due, Log& log, std::string path)
      : is_due_(std::move(is_due)), log_(log), path_(std::move(path)) {}

  // The reason for an errno of a socket.
  static Why why(int error);
  // `count` more sessions. `error`: errno, where there is one.
  void add(Why why, int error = 0, std::uint64_t count = 1);
  // Nothing is lost yet, but would be.
  void warn(Why why, int error);
  [[nodiscard]] std::uint64_t total() const { return total_; }

 private:
  static constexpr std::size_t kReasons = 8;

  IsDue is_due_;
  Log& log_;
  std::string path_;
  std::uint64_t total_ = 0;
  std::array<std::uint64_t, kReasons> unsaid_{};
};

}  // namespace mtasts
