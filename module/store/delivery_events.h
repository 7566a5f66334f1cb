// What happened to deliveries lately, for `mtasts status` and metrics: a line an event in the file `.events` of the
// store, `<seconds since the epoch> <event> <server> <domain>`. The log has the whole story of each.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/time.h"

namespace mtasts {

// The events that are kept. Those of observe mode did no harm, and say what would have.
inline constexpr std::string_view kDeferred = "deferred";                 // a mail server was told to try again later
inline constexpr std::string_view kNoMx = "no-mx";                        // no permitted MX host passes
inline constexpr std::string_view kEnforceFailure = "enforce-failure";    // an MX host got no mail
inline constexpr std::string_view kTestingFailure = "testing-failure";    // an MX host of a policy in testing
inline constexpr std::string_view kObservedDefer = "observed-defer";      // mail that would have waited
inline constexpr std::string_view kObservedFailure = "observed-failure";  // an MX host that would have got no mail
inline constexpr std::array kDeliveryEvents{kDeferred,       kNoMx,          kEnforceFailure,
                                            kTestingFailure, kObservedDefer, kObservedFailure};

struct DeliveryEvent {
  std::string_view event;  // one of kDeliveryEvents
  std::string server;      // "exim", "opensmtpd", "postfix" or "sendmail"
  std::string domain;      // of the policy

  friend bool operator==(const DeliveryEvent&, const DeliveryEvent&) = default;
};

// What a line of the log tells, which begins with `event=... domain=...`; nullopt: no event of a delivery. `server`:
// of lines that do not name it by `server=...`.
std::optional<DeliveryEvent> read_delivery_event(std::string_view line, std::string_view server);

// Writes to one store; one process at a time does. What cannot be written is left out: warning of that is the store's.
class DeliveryEventFile {
 public:
  static constexpr std::size_t kMaxBytes = 512 * 1024;  // then it becomes `.events.old`, and that one goes

  explicit DeliveryEventFile(std::string directory) : directory_(std::move(directory)) {}
  void add(const DeliveryEvent& event, WallTime now) const;

 private:
  std::string directory_;
};

struct PastEvent {
  WallTime time;
  DeliveryEvent what;

  friend bool operator==(const PastEvent&, const PastEvent&) = default;
};

// The line of such a file, with its end.
std::string delivery_event_line(const PastEvent& event);
// The lines of such a file in their order. What is no such line is left out.
std::vector<PastEvent> parse_delivery_events(const std::string& text);

// The oldest first. nullopt: they cannot be read.
std::optional<std::vector<PastEvent>> past_delivery_events(const std::string& directory);

}  // namespace mtasts
