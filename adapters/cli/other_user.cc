#include "adapters/cli/other_user.h"

#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "module/io/child.h"
#include "module/io/descriptor.h"
#include "module/io/read_write.h"

namespace mtasts::cli {
namespace {

constexpr char kLooked = '.';      // comes first; a process that dies before has found nothing out
constexpr char kEnd = '.';         // and last
constexpr unsigned kTimeout = 60;  // what lies there may be a file that never ends

tl::unexpected<Error> not_seen(const std::string& why) { return fail(ErrorCode::kLocalFault, why); }

}  // namespace

Result<std::string> seen_by(const std::string& user, const Environment& environment,
                            const std::function<std::string(const Result<void>& became)>& look) {
  std::array<int, 2> ends{};
  if (::pipe(ends.data()) != 0)
    return not_seen(std::string("there is no pipe to a process of that user: ") + std::strerror(errno));
  const Descriptor read_end(ends[0]);
  Descriptor write_end(ends[1]);
  const pid_t child = ::fork();
  if (child < 0) return not_seen(std::string("a process of that user cannot be started: ") + std::strerror(errno));
  if (child == 0) {
    ::alarm(kTimeout);
    const std::string reply = kLooked + look(environment.become_user(user)) + kEnd;
    static_cast<void>(write_all(write_end.get(), reply));
    ::_exit(0);
  }
  write_end = Descriptor();
  std::string reply;
  static_cast<void>(read_to_end(read_end.get(), reply, std::string::npos));  // what is missing is seen below
  wait_for_end(child);
  if (reply.size() < 2 || reply.front() != kLooked || reply.back() != kEnd)
    return not_seen("the process of that user ended before it had looked");
  return reply.substr(1, reply.size() - 2);
}

}  // namespace mtasts::cli
