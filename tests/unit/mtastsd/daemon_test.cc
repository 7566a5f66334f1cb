// How the daemon starts; what it does when it runs is seen end to end.
#include "adapters/mtastsd/daemon.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <sysexits.h>

#include <array>
#include <csignal>
#include <cstdlib>
#include <fstream>

#include "module/io/listen_socket.h"
#include "tests/unit/module/scratch.h"
#include "tests/unit/sockets.h"

namespace mtasts::mtastsd {
namespace {

using testing::HasSubstr;

class Daemon : public testing::Test {
 protected:
  void configure(const std::string& text) const { std::ofstream(config_) << text; }

  Scratch scratch_;
  std::string config_ = scratch_.path() + "/mtasts.toml";
};

TEST_F(Daemon, DoesNotRunDeaf) {
  configure("[socketmap]\nlisten = []\n");
  EXPECT_EXIT(std::exit(run_daemon(config_)), testing::ExitedWithCode(EX_CONFIG), "nothing to listen on");
}

TEST_F(Daemon, EndsWithAMistakeWhereNobodyKnowsWhereToListen) {
  configure("[dns]\ntransport = \"pigeon\"\n");
  EXPECT_EXIT(std::exit(run_daemon(config_)), testing::ExitedWithCode(EX_CONFIG), "dns.transport");
}

TEST_F(Daemon, EndsWhenOneOfItsAddressesIsTaken) {
  const std::string path = "unix:" + scratch_.path() + "/taken";
  const auto taken = listen_on(parse_listen_address(path).value(), {});
  configure("[socketmap]\nsocket_group = \"\"\nlisten = [\"unix:" + scratch_.path() + "/free\", \"" + path + "\"]\n");
  EXPECT_EXIT(std::exit(run_daemon(config_)), testing::ExitedWithCode(EX_OSERR), "another process listens there");
}

// What comes at a socket within ten seconds.
std::string received(const Descriptor& socket) {
  pollfd waiting{socket.get(), POLLIN, 0};
  std::array<char, 4096> bytes{};
  if (::poll(&waiting, 1, 10'000) != 1) return "nothing";
  const auto got = ::recv(socket.get(), bytes.data(), bytes.size(), MSG_DONTWAIT);
  return {bytes.data(), static_cast<std::size_t>(std::max<ssize_t>(got, 0))};
}

TEST_F(Daemon, WithSocketsOfTheServiceManagerItRunsAndTellsTheMistake) {
  configure("[dns]\ntransport = \"pigeon\"\n");
  const auto address = parse_listen_address("unix:" + scratch_.path() + "/socket").value();
  const auto listening = listen_on(address, {}).value().release();
  const std::string notify = scratch_.path() + "/notify";
  const Descriptor manager = test::datagram_socket_at(notify);
  const pid_t daemon = ::fork();
  if (daemon == 0) {
    ::dup2(listening, 3);
    ::setenv("LISTEN_FDS", "1", 1);
    ::setenv("LISTEN_PID", std::to_string(::getpid()).c_str(), 1);
    ::setenv("NOTIFY_SOCKET", notify.c_str(), 1);
    ::_exit(run_daemon(config_));
  }
  EXPECT_THAT(received(manager), testing::AllOf(HasSubstr("STATUS=out of service: "), HasSubstr("dns.transport")));
  EXPECT_EQ(received(manager), "READY=1");
  const Descriptor client = connect_to(address, std::chrono::steady_clock::now() + std::chrono::seconds(10)).value();
  const std::string request = "19:postfix example.com,";
  EXPECT_EQ(::send(client.get(), request.data(), request.size(), 0), static_cast<ssize_t>(request.size()));
  EXPECT_THAT(received(client),
              testing::AllOf(HasSubstr(":TEMP mtastsd is out of service: "), HasSubstr("dns.transport")));
  ::kill(daemon, SIGTERM);
  int status = 0;
  ::waitpid(daemon, &status, 0);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

// Of what a process has written.
std::size_t times(const std::string& text, const std::string& words) {
  std::size_t count = 0;
  for (auto at = text.find(words); at != std::string::npos; at = text.find(words, at + 1)) ++count;
  return count;
}

// It tries again every two seconds, and at each SIGHUP at once.
TEST_F(Daemon, AMistakeThatStaysIsNotLoggedAtEachTry) {
  configure("[dns]\ntransport = \"pigeon\"\n");
  const std::string log = scratch_.path() + "/log";
  const auto listening =
      listen_on(parse_listen_address("unix:" + scratch_.path() + "/socket").value(), {}).value().release();
  const std::string notify = scratch_.path() + "/notify";
  const Descriptor manager = test::datagram_socket_at(notify);
  const pid_t daemon = ::fork();
  if (daemon == 0) {
    ::dup2(::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600), STDERR_FILENO);
    ::dup2(listening, 3);
    ::setenv("LISTEN_FDS", "1", 1);
    ::setenv("LISTEN_PID", std::to_string(::getpid()).c_str(), 1);
    ::setenv("NOTIFY_SOCKET", notify.c_str(), 1);
    ::_exit(run_daemon(config_));
  }
  // Until it is ready again: the try is over, and what it had to say is written.
  const auto logged = [&] {
    std::string told;
    while (told != "READY=1" && told != "nothing") told = received(manager);
    EXPECT_EQ(told, "READY=1");
    std::ifstream file(log);
    return std::string(std::istreambuf_iterator<char>(file), {});
  };
  EXPECT_EQ(times(logged(), "event=out-of-service"), 1U);
  for (int round = 0; round < 3; ++round) {
    ::kill(daemon, SIGHUP);
    EXPECT_EQ(times(logged(), "event=out-of-service"), 1U) << "tried again " << round + 1 << " times";
  }
  configure("[dns]\ntimeout_s = \"long\"\n");
  ::kill(daemon, SIGHUP);
  const std::string text = logged();
  EXPECT_EQ(times(text, "event=out-of-service"), 2U) << "another mistake is news: " << text;
  EXPECT_EQ(times(text, "dns.timeout_s"), 1U) << text;
  ::kill(daemon, SIGTERM);
  int status = 0;
  ::waitpid(daemon, &status, 0);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

}  // namespace
}  // namespace mtasts::mtastsd
