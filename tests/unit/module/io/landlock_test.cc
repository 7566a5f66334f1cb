// Landlock alone: the lookup helper's filter of system calls forbids most of it as well.
#include "module/io/landlock.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/landlock.h>
#include <netinet/in.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstring>
#include <functional>

#include "module/io/descriptor.h"
#include "tests/unit/module/scratch.h"

namespace mtasts {
namespace {

long abi() { return ::syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION); }

// What `attempt` returns in a process under the rules; -1: the rules could not be applied.
int under(const AccessRules& rules, const std::function<int()>& attempt) {
  const pid_t process = ::fork();
  if (process == 0) {
    const bool ready = ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && restrict_access(rules).has_value();
    ::_exit(ready ? attempt() : 255);
  }
  int status = 0;
  ::waitpid(process, &status, 0);
  return WIFEXITED(status) && WEXITSTATUS(status) != 255 ? WEXITSTATUS(status) : -1;
}

int outcome(int result) { return result < 0 ? errno : 0; }

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

int bind_to(std::uint16_t port) {
  const Descriptor socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const auto address = loopback(port);
  return outcome(::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address));
}

int connect_to(std::uint16_t port) {
  const Descriptor socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const auto address = loopback(port);
  return outcome(::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address));
}

class Listener {
 public:
  explicit Listener(const sockaddr* address, socklen_t length)
      : socket_(::socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    ::bind(socket_.get(), address, length);
    ::listen(socket_.get(), 1);
  }
  [[nodiscard]] std::uint16_t port() const {
    sockaddr_in address{};
    socklen_t length = sizeof address;
    ::getsockname(socket_.get(), reinterpret_cast<sockaddr*>(&address), &length);
    return ntohs(address.sin_port);
  }

 private:
  Descriptor socket_;
};

Listener on_loopback() {
  const auto any = loopback(0);
  return Listener(reinterpret_cast<const sockaddr*>(&any), sizeof any);
}

TEST(Landlock, FilesAreThoseOfTheRules) {
  if (abi() < 1) GTEST_SKIP() << "not in this kernel";
  const Scratch readable;
  const Scratch writable;
  const auto make = [](const std::string& directory) {
    const Descriptor file(::open((directory + "/file").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    return file ? 0 : errno;
  };
  const auto list = [](const std::string& directory) {
    const Descriptor opened(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    return opened ? 0 : errno;
  };
  const AccessRules rules{{writable.path()}, {readable.path()}, {}};
  EXPECT_EQ(under(rules, [&] { return make(writable.path()); }), 0);
  EXPECT_EQ(under(rules, [&] { return make(readable.path()); }), EACCES);
  EXPECT_EQ(under(rules, [&] { return list(readable.path()); }), 0);
  EXPECT_EQ(under(rules, [&] { return list("/etc"); }), EACCES);
}

TEST(Landlock, TcpPortsAreConnectedToThatAreInTheRules) {
  if (abi() < 4) GTEST_SKIP() << "not in this kernel";
  const auto listed = on_loopback();
  const auto other = on_loopback();
  const AccessRules rules{{}, {}, {listed.port()}};
  EXPECT_EQ(under(rules, [&] { return connect_to(listed.port()); }), 0);
  EXPECT_EQ(under(rules, [&] { return connect_to(other.port()); }), EACCES);
  EXPECT_EQ(under({}, [&] { return connect_to(other.port()); }), 0) << "none in the rules: every port";
}

TEST(Landlock, NoTcpPortIsListenedOn) {
  if (abi() < 4) GTEST_SKIP() << "not in this kernel";
  for (const AccessRules& rules : {AccessRules{}, AccessRules{{}, {}, {443}}})
    EXPECT_EQ(under(rules, [] { return bind_to(0); }), EACCES);
}

// They have no file that a rule could name.
TEST(Landlock, AbstractSocketsOfOthersAreOutOfReach) {
  if (abi() < 6) GTEST_SKIP() << "not in this kernel";
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string name = "mtasts-test-" + std::to_string(::getpid());
  name.copy(address.sun_path + 1, name.size());
  const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
  const Listener listener(reinterpret_cast<const sockaddr*>(&address), length);
  const auto connect = [&] {
    const Descriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    return outcome(::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), length));
  };
  ASSERT_EQ(connect(), 0);
  EXPECT_EQ(under({}, connect), EPERM);
}

TEST(Landlock, OthersGetNoSignal) {
  if (abi() < 6) GTEST_SKIP() << "not in this kernel";
  const pid_t me = ::getpid();
  EXPECT_EQ(under({}, [me] { return outcome(::kill(me, 0)); }), EPERM);
  EXPECT_EQ(under({}, [] { return outcome(::kill(::getpid(), 0)); }), 0);
}

}  // namespace
}  // namespace mtasts
