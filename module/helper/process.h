// Starts the lookup helper, the program that talks to resolvers, policy hosts and MX hosts (ADR 0010). No process that
// a mail server waits for does that itself: strangers choose what the other end of such a connection costs.
#pragma once

#include <chrono>
#include <string_view>

#include "core/result.h"
#include "core/time.h"
#include "module/config/config.h"
#include "module/helper/frames.h"
#include "module/io/descriptor.h"
#include "module/io/log.h"

namespace mtasts {

// This end of a stream socket to a new helper, which has been sent its settings and will say that it is ready, or why
// it is not, before anything else. The helper is nobody's child: it leaves no zombie, notices the end of the socket and
// ends when it has finished what it has begun. With root's rights it becomes `config.user` first. It inherits no
// descriptor, no environment and no signal disposition. Error kLocalFault; also where it has not started by `end`, such
// as from a disk that hangs.
Result<Descriptor> start_helper(const Config& config, LogTarget log, SteadyTime end);

// Never waits: the socket of a new helper has room for it. False: no room, or the peer is gone; errno says why.
bool send_frame(int socket, const Fields& fields);

// Waits until `end` for the next frame, which must be the reply to `id`, and returns what it has behind the id. What
// has arrived by then is still read. Error kLocalFault: the helper has ended or does not answer; kInternal: what it
// sent is no such reply.
Result<Fields> receive_reply(int socket, FrameReader& reader, std::string_view id, SteadyTime end);

}  // namespace mtasts
