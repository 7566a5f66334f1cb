// Sessions that are not reported: counted, and a warning once an hour for each reason, with how many they were.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <string>
#include <utility>

#include "module/io/log.h"
#include "module/io/log_throttle.h"
#include "module/store/throttle.h"

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

  // `store`: its directory. Stamps there keep the hour of each reason, for all processes; where none can be left, and
  // for "", this object keeps it.
  TlsrptLosses(std::string store, Log& log, std::string path)
      : throttle_(std::move(store)), log_(log), path_(std::move(path)) {}

  // The reason for an errno of a socket.
  static Why why(int error);
  // `count` more sessions. `error`: errno, where there is one.
  void add(Why why, int error = 0, std::uint64_t count = 1);
  // Nothing is lost yet, but would be.
  void warn(Why why, int error);

 private:
  static constexpr std::size_t kReasons = 8;
  struct Reason {
    std::uint64_t unsaid = 0;
    LogThrottle own_hour{std::chrono::hours(1)};
  };

  [[nodiscard]] bool is_due(Why why);
  Reason& reason(Why why) { return reasons_.at(static_cast<std::size_t>(why)); }

  SharedThrottle throttle_;
  Log& log_;
  std::string path_;
  std::array<Reason, kReasons> reasons_;
};

}  // namespace mtasts
