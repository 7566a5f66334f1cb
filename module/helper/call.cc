#include "module/helper/call.h"

#include <algorithm>
#include <string>

#include "module/helper/answer.h"
#include "module/helper/frames.h"
#include "module/helper/process.h"

namespace mtasts {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds kGrace{1000};
constexpr milliseconds kLongest = std::chrono::hours(1);  // what poll(2) takes for its milliseconds ends at 24 days
constexpr const char* kRequest = "1";

}  // namespace

Result<Outcome> lookup_in_helper(const Config& config, const Domain& domain, Lookup::Effort effort,
                                 milliseconds wanted) {
  const milliseconds deadline = std::min(wanted, kLongest);
  const auto end = steady_clock::now() + deadline + kGrace;
  const auto socket = start_helper(config, LogTarget::kSyslog, end);
  if (!socket) return tl::unexpected(socket.error());
  // When it has gone already, what it said before can still be read.
  static_cast<void>(send_frame(socket->get(), lookup_request(kRequest, domain, effort, deadline)));
  FrameReader reader;
  const auto ready = receive_reply(socket->get(), reader, kReadyId, end).and_then(decode_void);
  if (!ready) return tl::unexpected(ready.error());
  const auto reply = receive_reply(socket->get(), reader, kRequest, end);
  if (!reply) return tl::unexpected(reply.error());
  return decode_lookup(*reply, domain);
}

}  // namespace mtasts
