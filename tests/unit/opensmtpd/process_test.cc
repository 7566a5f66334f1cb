// The process of the table as smtpd sees it, with a configuration that cannot be used: it never ends by itself, and
// says what is wrong. With one that can be used it is seen end to end.
#include "adapters/opensmtpd/process.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <fstream>
#include <sstream>

#include "module/io/descriptor.h"
#include "module/io/exit_status.h"
#include "tests/unit/module/scratch.h"
#include "tests/unit/sockets.h"

namespace mtasts::opensmtpd {
namespace {

using std::chrono::milliseconds;
using testing::HasSubstr;

constexpr char kHello[] = "config|ready\n";
constexpr char kRegistered[] = "register|domain\nregister|relayhost\nregister|ready\n";
constexpr char kCheck[] = "table|0.1|1764000000.000000|mtasts|check|domain|7f|example.com\n";

class TableProcess : public testing::Test {
 protected:
  TableProcess() { configure("[dns]\ntransport = \"pigeon\"\n"); }
  ~TableProcess() override {
    socket_ = Descriptor();
    if (process_ > 0) ::waitpid(process_, nullptr, 0);
  }

  void configure(const std::string& text) const { std::ofstream(config_) << text; }
  void start(milliseconds tried_again = std::chrono::hours(1)) {
    auto pair = test::socket_pair();
    socket_ = std::move(pair.ours);
    process_ = ::fork();
    if (process_ == 0) {
      socket_ = Descriptor();
      ::dup2(::creat((scratch_.path() + "/log").c_str(), 0600), STDERR_FILENO);
      ::_exit(serve(pair.theirs.get(), config_, tried_again));
    }
  }
  void say(const std::string& text) {
    ASSERT_EQ(::send(socket_.get(), text.data(), text.size(), MSG_NOSIGNAL), static_cast<ssize_t>(text.size()));
  }
  // As many octets as `wanted` has.
  void expect(const std::string& wanted) {
    std::string got;
    while (got.size() < wanted.size()) {
      std::array<char, 4096> bytes{};
      pollfd waiting{socket_.get(), POLLIN, 0};
      if (::poll(&waiting, 1, 20'000) != 1) break;
      const auto size = ::recv(socket_.get(), bytes.data(), bytes.size(), 0);
      if (size <= 0) break;
      got.append(bytes.data(), static_cast<std::size_t>(size));
    }
    EXPECT_EQ(got, wanted);
  }
  [[nodiscard]] int exit_code() {
    int status = 0;
    EXPECT_EQ(::waitpid(std::exchange(process_, 0), &status, 0) > 0 && WIFEXITED(status), true);
    return WEXITSTATUS(status);
  }
  [[nodiscard]] std::string log() const {
    std::ostringstream text;
    text << std::ifstream(scratch_.path() + "/log").rdbuf();
    return text.str();
  }

  Scratch scratch_;
  std::string config_ = scratch_.path() + "/mtasts.toml";
  Descriptor socket_;
  pid_t process_ = 0;
};

TEST_F(TableProcess, WhatIsNoSocketIsAnErrorOfUse) {
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
  const Descriptor reading(ends[0]);
  const Descriptor writing(ends[1]);
  EXPECT_EQ(serve(reading.get(), config_), kExitUsage);
}

TEST_F(TableProcess, TheHandshakeIsAnsweredAlsoWithAMistakeInTheConfiguration) {
  start();
  say(kHello);
  expect(kRegistered);
  EXPECT_THAT(log(), HasSubstr("event=not-usable"));
  EXPECT_THAT(log(), HasSubstr("dns.transport"));
}

TEST_F(TableProcess, MeanwhileEveryQuestionIsAnErrorInItsTurn) {
  start();
  say(std::string(kHello) + kCheck + "table|0.1|1764000000.000000|mtasts|lookup|relayhost|80|example.com\n");
  expect(std::string(kRegistered) + "check-result|7f|error\nlookup-result|80|error\n");
}

TEST_F(TableProcess, AnUpdateReadsTheConfigurationAgain) {
  start();
  say(std::string(kHello) + "table|0.1|1764000000.000000|mtasts|update|5\n");
  expect(std::string(kRegistered) + "update-result|5|ok\n");
  const std::string told = log();
  EXPECT_NE(told.find("event=not-usable"), told.rfind("event=not-usable"));
}

TEST_F(TableProcess, AnotherMistakeIsNewsAndTheSameOneIsNot) {
  start(milliseconds(0));
  say(std::string(kHello) + kCheck + kCheck);
  expect(std::string(kRegistered) + "check-result|7f|error\ncheck-result|7f|error\n");
  const std::string told = log();
  EXPECT_EQ(told.find("event=not-usable"), told.rfind("event=not-usable"));
  configure("[dns]\npigeon = 1\n");
  say(kCheck);
  expect("check-result|7f|error\n");
  EXPECT_THAT(log(), HasSubstr("unknown key dns.pigeon"));
}

TEST_F(TableProcess, ItEndsWithSmtpd) {
  start();
  say(kHello);
  expect(kRegistered);
  socket_ = Descriptor();
  EXPECT_EQ(exit_code(), kExitOk);
}

TEST_F(TableProcess, WhatIsNoRequestOfSmtpdEndsIt) {
  start();
  say("config|" + std::string(20'000, 'x'));
  EXPECT_EQ(exit_code(), kExitProtocol);
  EXPECT_THAT(log(), HasSubstr("event=not-smtpd"));
}

}  // namespace
}  // namespace mtasts::opensmtpd
