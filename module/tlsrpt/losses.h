// Sessions that are not reported: counted, and a warning once an hour for each reason, with how many they were since
// the warning before it.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <string>
#include <utility>

#include "module/io/log.h"
#include "module/io/log_throttle.h"
#include "module/store/tally.h"
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

  // `store`: its directory. For each reason all processes have one hour there and one number; where it cannot be
  // written, and for "", this object has its own.
  TlsrptLosses(const std::string& store, Log& log, std::string path)
      : throttle_(store), tally_(store), log_(log), path_(std::move(path)) {}
  // What no warning has said is left to that of another process.
  ~TlsrptLosses();
  TlsrptLosses(const TlsrptLosses&) = delete;
  TlsrptLosses& operator=(const TlsrptLosses&) = delete;

  // The reason for an errno of a socket.
  static Why why(int error);
  // `count` more sessions. `detail`: what else there is to say; one sentence without a line end.
  void add(Why why, const std::string& detail = {}, std::uint64_t count = 1);
  // Nothing is lost yet, but would be.
  void warn(Why why, const std::string& detail);
  // Of what this object was given and no warning has said; to be called again an hour later while it has_unsaid().
  void warn_of_unsaid();
  [[nodiscard]] bool has_unsaid() const;

 private:
  static constexpr std::size_t kReasons = 8;
  struct Reason {
    std::uint64_t unsaid = 0;  // and in no tally
    bool is_open = false;      // there was a loss since the last warning
    std::string detail{};      // of that one
    LogThrottle own_hour{std::chrono::hours(1)};
  };

  [[nodiscard]] bool is_due(Why why);
  void leave_unsaid(Why why);
  Reason& reason(Why why) { return reasons_.at(static_cast<std::size_t>(why)); }

  SharedThrottle throttle_;
  SharedTally tally_;
  Log& log_;
  std::string path_;
  std::array<Reason, kReasons> reasons_;
};

}  // namespace mtasts
