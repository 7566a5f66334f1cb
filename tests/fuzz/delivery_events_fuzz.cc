// Any bytes in the place of the file `.events` of a store, which whoever may write there can have written and root
// reads; and any line in the place of one of the log (module/store/delivery_events).
#include "module/store/delivery_events.h"

#include <algorithm>

#include "core/domain.h"
#include "tests/fuzz/fuzz.h"

using mtasts::DeliveryEvent;
using mtasts::fuzz::require;

namespace {

void check(const DeliveryEvent& event) {
  require(std::ranges::count(mtasts::kDeliveryEvents, event.event) == 1, "an event is one of those that are kept");
  require(
      event.server == "exim" || event.server == "opensmtpd" || event.server == "postfix" || event.server == "sendmail",
      "a server is a known one");
  const auto domain = mtasts::Domain::parse(event.domain);
  require(domain && domain->text() == event.domain, "a domain is in its canonical form");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(mtasts::fuzz::text(data, size));
  const auto events = mtasts::parse_delivery_events(text);
  std::string again;
  for (const auto& event : events) {
    check(event.what);
    again += mtasts::delivery_event_line(event);
  }
  require(events.size() <= static_cast<std::size_t>(std::ranges::count(text, '\n')) + 1, "an event is one line");
  require(mtasts::parse_delivery_events(again) == events, "they are what is written again");
  if (const auto event = mtasts::read_delivery_event(text, "exim")) check(*event);
  return 0;
}
