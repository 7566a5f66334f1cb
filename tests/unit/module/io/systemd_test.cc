#include "module/io/systemd.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <functional>

#include "module/io/listen_socket.h"
#include "tests/unit/module/scratch.h"

namespace mtasts {
namespace {

using std::chrono::microseconds;
using testing::MatchesRegex;

// A variable of the environment, for as long as this lives.
class Variable {
 public:
  Variable(const char* name, const std::string& value) : name_(name) { ::setenv(name, value.c_str(), 1); }
  ~Variable() { ::unsetenv(name_); }
  Variable(const Variable&) = delete;
  Variable& operator=(const Variable&) = delete;

 private:
  const char* name_;
};

// `holds` in a process of its own that was given `given` as descriptors 3, 4, ... the way systemd does it.
bool in_service(const std::vector<const Descriptor*>& given, const std::string& number, bool for_this_process,
                const std::function<bool()>& holds) {
  const pid_t child = ::fork();
  if (child == 0) {
    std::vector<int> high;
    for (const Descriptor* one : given) high.push_back(::fcntl(one->get(), F_DUPFD, 100));
    for (std::size_t i = 0; i < high.size(); ++i) ::dup2(high[i], 3 + static_cast<int>(i));
    ::setenv("LISTEN_FDS", number.c_str(), 1);
    ::setenv("LISTEN_PID", std::to_string(::getpid() + (for_this_process ? 0 : 1)).c_str(), 1);
    ::setenv("LISTEN_FDNAMES", "a:b", 1);
    ::_exit(holds() ? 0 : 1);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

class Activation : public testing::Test {
 protected:
  Descriptor listening(const char* name) {
    return *listen_on(parse_listen_address("unix:" + scratch_.path() + "/" + name).value(), {});
  }

  Scratch scratch_;
  Descriptor first_ = listening("first");
  Descriptor second_ = listening("second");
};

TEST_F(Activation, TakesTheSocketsInTheirOrderWithTheirNames) {
  EXPECT_TRUE(in_service({&first_, &second_}, "2", true, [] {
    const auto sockets = sockets_from_systemd();
    return sockets.size() == 2 && sockets[0].socket.get() == 3 && sockets[0].name == "a" &&
           sockets[1].socket.get() == 4 && sockets[1].name == "b";
  }));
}

TEST_F(Activation, MakesThemNonBlockingAndClosedOnExec) {
  const int flags = ::fcntl(first_.get(), F_GETFL);
  ::fcntl(first_.get(), F_SETFL, flags & ~O_NONBLOCK);
  EXPECT_TRUE(in_service({&first_}, "1", true, [] {
    const auto sockets = sockets_from_systemd();
    return (::fcntl(3, F_GETFL) & O_NONBLOCK) != 0 && (::fcntl(3, F_GETFD) & FD_CLOEXEC) != 0;
  }));
}

TEST_F(Activation, TakesNothingThatIsMeantForAnotherProcess) {
  EXPECT_TRUE(in_service({&first_}, "1", false, [] {
    return sockets_from_systemd().empty() && ::fcntl(3, F_GETFD) >= 0;  // and leaves it open
  }));
}

TEST_F(Activation, LeavesNoVariableToAnybodyElse) {
  EXPECT_TRUE(in_service({&first_}, "1", true, [] {
    const auto sockets = sockets_from_systemd();
    return ::getenv("LISTEN_PID") == nullptr && ::getenv("LISTEN_FDS") == nullptr &&
           ::getenv("LISTEN_FDNAMES") == nullptr && sockets_from_systemd().empty();
  }));
}

TEST_F(Activation, ClosesWhatIsNoListeningStream) {
  const Descriptor not_listening(::socket(AF_UNIX, SOCK_STREAM, 0));
  const Descriptor packets(::socket(AF_UNIX, SOCK_SEQPACKET, 0));
  const sockaddr_un unnamed{.sun_family = AF_UNIX, .sun_path = {}};
  ASSERT_EQ(::bind(packets.get(), reinterpret_cast<const sockaddr*>(&unnamed), sizeof unnamed.sun_family), 0);
  ASSERT_EQ(::listen(packets.get(), 1), 0);
  EXPECT_TRUE(in_service({&packets, &not_listening, &first_}, "3", true, [] {
    const auto sockets = sockets_from_systemd();
    return sockets.size() == 1 && sockets[0].socket.get() == 5 && sockets[0].name.empty() && ::fcntl(3, F_GETFD) < 0 &&
           ::fcntl(4, F_GETFD) < 0;
  }));
}

TEST_F(Activation, TakesNoNonsenseForANumber) {
  for (const char* number : {"", "-1", "x", "1x", "0", "99999999999999999999"}) {
    EXPECT_TRUE(in_service({&first_}, number, true, [] { return sockets_from_systemd().empty(); })) << number;
  }
}

TEST(ActivationWithoutVariables, GivesNothing) { EXPECT_TRUE(sockets_from_systemd().empty()); }

TEST(Watchdog, IsHeardOfByItsVariables) {
  EXPECT_EQ(watchdog_interval(), std::nullopt);
  const Variable interval("WATCHDOG_USEC", "30000000");
  EXPECT_EQ(watchdog_interval(), microseconds(30'000'000));
  {
    const Variable ours("WATCHDOG_PID", std::to_string(::getpid()));
    EXPECT_EQ(watchdog_interval(), microseconds(30'000'000));
  }
  const Variable others("WATCHDOG_PID", std::to_string(::getppid()));
  EXPECT_EQ(watchdog_interval(), std::nullopt);
}

TEST(Watchdog, NonsenseIsNoInterval) {
  for (const char* text : {"", "0", "-5", "1s", "99999999999999999999"}) {
    const Variable interval("WATCHDOG_USEC", text);
    EXPECT_EQ(watchdog_interval(), std::nullopt) << text;
  }
}

// Plays the service manager.
class Notification : public testing::Test {
 protected:
  // `name` as in NOTIFY_SOCKET.
  void listen_at(const std::string& name) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    name.copy(address.sun_path, name.size());
    if (name.front() == '@') address.sun_path[0] = '\0';
    const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
    ASSERT_EQ(::bind(manager_.get(), reinterpret_cast<const sockaddr*>(&address), length), 0);
  }
  std::string heard() {
    std::array<char, 4096> buffer{};
    const auto got = ::recv(manager_.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
    return got < 0 ? "nothing" : std::string(buffer.data(), static_cast<std::size_t>(got));
  }

  Scratch scratch_;
  std::string path_ = scratch_.path() + "/notify";
  Descriptor manager_{::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
};

TEST_F(Notification, TellsEveryState) {
  listen_at(path_);
  const Variable variable("NOTIFY_SOCKET", path_);
  const Notifier notifier;
  notifier.ready();
  EXPECT_EQ(heard(), "READY=1");
  notifier.reloading();
  EXPECT_THAT(heard(), MatchesRegex("RELOADING=1\nMONOTONIC_USEC=[0-9]+"));
  notifier.stopping();
  EXPECT_EQ(heard(), "STOPPING=1");
  notifier.watchdog();
  EXPECT_EQ(heard(), "WATCHDOG=1");
}

TEST_F(Notification, AStatusIsOneLine) {
  listen_at(path_);
  const Variable variable("NOTIFY_SOCKET", path_);
  Notifier().status("configuration refused:\nMAINPID=1");
  EXPECT_EQ(heard(), "STATUS=configuration refused: MAINPID=1");
}

TEST_F(Notification, SaysWhenAReloadBeganOnTheClockOfTheManager) {
  listen_at(path_);
  const Variable variable("NOTIFY_SOCKET", path_);
  const auto microseconds_now = [] {
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1'000'000LL + now.tv_nsec / 1000;
  };
  const auto before = microseconds_now();
  Notifier().reloading();
  const std::string message = heard();
  const auto told = std::stoll(message.substr(message.rfind('=') + 1));
  EXPECT_GE(told, before);
  EXPECT_LE(told, microseconds_now());
}

TEST_F(Notification, ReachesAnAbstractSocket) {
  const std::string name = "@mtasts-test-" + std::to_string(::getpid());
  listen_at(name);
  const Variable variable("NOTIFY_SOCKET", name);
  Notifier().ready();
  EXPECT_EQ(heard(), "READY=1");
}

TEST_F(Notification, SaysNothingWithoutTheVariable) {
  listen_at(path_);
  Notifier().ready();
  EXPECT_EQ(heard(), "nothing");
}

TEST_F(Notification, OutlivesAManagerThatIsNotThere) {
  for (const std::string& name : {path_, std::string(), std::string("relative"), "/" + std::string(200, 'x')}) {
    const Variable variable("NOTIFY_SOCKET", name);
    Notifier().ready();
  }
  EXPECT_EQ(heard(), "nothing");
}

}  // namespace
}  // namespace mtasts
