// What tlsrpt-collectd does not get: counted, and told once an hour with its number.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <utility>

#include "tests/unit/module/tlsrpt/collector.h"
#include "tests/unit/sockets.h"

namespace mtasts {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

class LossesTest : public test::Collector {};

TEST_F(LossesTest, WhatIsSentAndWhatIsLostIsCounted) {
  listen();
  report("mx1.example.com");
  EXPECT_FALSE(reports_->is_idle());
  answer();
  EXPECT_TRUE(reports_->is_idle());
  report("mx2.example.com", fail(ErrorCode::kValidationFailure, std::string(500'000, 'x')));
  EXPECT_EQ(counts_.sent, 1);
  EXPECT_EQ(counts_.lost, 1);
}

TEST_F(LossesTest, TheWarningSaysHowManySessionsWereLost) {
  cache("enforce");
  report("mx1.example.com");
  answer();
  for (const char* host : {"mx2.example.com", "mx3.example.com"}) report(host);
  age_stamp();
  report("mx4.example.com");
  EXPECT_THAT(log_.lines.back(), HasSubstr(" sessions=3 "));
}

TEST_F(LossesTest, TheWarningSaysHowManySessionsOtherProcessesLost) {
  cache("enforce");
  report("mx1.example.com");
  answer();
  EXPECT_THAT(log_.lines.back(), HasSubstr(" sessions=1 "));
  const auto other = std::move(reports_);
  open();
  for (const char* host : {"mx2.example.com", "mx3.example.com", "mx4.example.com"}) report(host);
  end();
  age_stamp();
  other->report(test::domain(), "mx5.example.com", {{}, "", ""}, steady_ + minutes(1));
  EXPECT_THAT(log_.lines.back(), HasSubstr(" sessions=4 "));
}

TEST_F(LossesTest, WhatIsLostWithinTheHourIsToldAfterIt) {
  cache("enforce");
  report("mx1.example.com");
  answer();
  for (const char* host : {"mx2.example.com", "mx3.example.com"}) report(host);
  log_.lines.clear();
  age_stamp();
  loop_.advance(minutes(61));
  EXPECT_THAT(log_.lines, ElementsAre(AllOf(HasSubstr("nobody listens there: "), HasSubstr(" sessions=2 "))));
  age_stamp();
  loop_.advance(minutes(1000));
  EXPECT_THAT(log_.lines, SizeIs(1));
}

TEST_F(LossesTest, WhatAnotherProcessHasToldOfIsNotToldAgain) {
  cache("enforce");
  report("mx1.example.com");
  answer();
  report("mx2.example.com");
  const auto other = std::move(reports_);
  open();  // which looks whether anybody listens
  EXPECT_THAT(log_.lines.back(), HasSubstr(" sessions=1 "));
  log_.lines.clear();
  age_stamp();
  loop_.advance(minutes(61));
  EXPECT_THAT(log_.lines, IsEmpty());
}

// Such as a helper that Exim's transport starts.
TEST_F(LossesTest, AUserWhoMayNotWriteTheStoreWarnsAllTheSame) {
  if (::geteuid() != 0) GTEST_SKIP() << "takes root";
  cache("enforce");
  std::filesystem::remove(scratch_.path() + "/.due-tlsrpt-nobody");
  ::chmod(scratch_.path().c_str(), 0755);
  const pid_t child = ::fork();
  if (child == 0) {
    if (::setresuid(65534, 65534, 65534) != 0) ::_exit(2);
    log_.lines.clear();
    for (const char* host : {"mx1.example.com", "mx2.example.com"}) {
      report(host);
      answer();
    }
    const bool is_told = log_.lines.size() == 1 && log_.lines[0].find("nobody listens there") != std::string::npos;
    ::_exit(is_told ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

TEST_F(LossesTest, OneDomainHasOneQuestionAndTwentySessionsWaiting) {
  listen();
  for (int i = 0; i < 100; ++i) report("mx" + std::to_string(i) + ".example.com");
  EXPECT_THAT(resolver_.txts, SizeIs(1));
  EXPECT_THAT(log_.lines, ElementsAre(HasSubstr("event=tlsrpt-lost")));
  answer();
  loop_.advance(seconds(1));
  int sent = 0;
  while (!datagram().empty() || (loop_.advance(seconds(1)), !datagram().empty())) ++sent;
  EXPECT_EQ(sent, 20);
}

// So that no answer that mail waits for has to wait for these.
TEST_F(LossesTest, NameServersThatAreSilentTakeTwentyQuestions) {
  listen();
  for (int i = 0; i < 100; ++i) cache("testing", "silent" + std::to_string(i) + ".example");
  for (int i = 0; i < 100; ++i) report("mx.example.com", {}, "silent" + std::to_string(i) + ".example");
  EXPECT_THAT(resolver_.txts, SizeIs(20));
  EXPECT_THAT(log_.lines, ElementsAre(HasSubstr("name servers are slow")));
  resolver_.txts.clear();
  open(12);
  for (int i = 0; i < 100; ++i) report("mx.example.com", {}, "silent" + std::to_string(i) + ".example");
  EXPECT_THAT(resolver_.txts, SizeIs(3)) << "a quarter of what the resolver has places for";
}

TEST_F(LossesTest, WhatIsTooLargeIsToldAndIsNotItsFault) {
  listen();
  report("mx1.example.com");
  answer();
  EXPECT_NE(datagram(), "");
  report("mx2.example.com", fail(ErrorCode::kValidationFailure, std::string(500'000, 'x')));
  EXPECT_THAT(log_.lines, ElementsAre(HasSubstr("too large")));
  report("mx3.example.com");
  EXPECT_NE(datagram(), "");
  EXPECT_THAT(log_.lines, SizeIs(1));
}

TEST_F(LossesTest, OneThatIsNotThereIsToldAtTheStartAndOnceAnHour) {
  EXPECT_THAT(log_.lines, ElementsAre(HasSubstr("event=tlsrpt-lost socket=" + path_ + " detail=\"nobody listens")));
  log_.lines.clear();
  cache("enforce");
  for (const char* host : {"mx1.example.com", "mx2.example.com"}) {
    report(host);
    answer();
  }
  EXPECT_THAT(log_.lines, SizeIs(1));
}

TEST_F(LossesTest, WhatTheSystemSaysIsTold) {
  log_.lines.clear();
  path_ = scratch_.path();  // a folder is no socket
  open();
  EXPECT_THAT(log_.lines, ElementsAre(HasSubstr("detail=\"nobody listens there: Connection refused\"")));
  ::close(fd_);
  fd_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  path_ += "/stream.sock";
  log_.lines.clear();
  listen();
  EXPECT_THAT(log_.lines, ElementsAre(HasSubstr("refuses it: Protocol wrong type for socket\"")));
}

TEST_F(LossesTest, OneThatComesLaterIsToldOfAndHandedWhatCameSince) {
  cache("enforce");
  report("mx1.example.com");
  answer();
  const auto reports = std::move(reports_);
  listen();
  log_.lines.clear();
  reports->report(test::domain(), "mx2.example.com", {{}, "", ""}, steady_ + minutes(1));
  EXPECT_NE(datagram(), "");
  EXPECT_THAT(log_.lines, ElementsAre(HasSubstr("event=tlsrpt-reached")));
}

// The kernel keeps no more than a few datagrams for it.
TEST_F(LossesTest, OneThatIsBusyForAMomentGetsEverything) {
  listen();
  report("mx.example.com");
  answer();
  const std::size_t count = test::datagrams_kept() + 89;
  for (std::size_t i = 1; i < count; ++i) report("mx" + std::to_string(i) + ".example.com");
  std::size_t got = 0;
  for (int round = 0; round < 100; ++round, loop_.advance(milliseconds(100)))
    while (!datagram().empty()) ++got;
  EXPECT_EQ(got, count);
  EXPECT_THAT(log_.lines, IsEmpty());
}

// As where forty domains share ten hosts, and the collector takes eight hundred a second, as the real one does.
TEST_F(LossesTest, OneThatKeepsUpGetsEveryBurst) {
  listen();
  report("mx.example.com");
  answer();
  int got = 0;
  for (int burst = 0; burst < 10; ++burst) {
    for (int i = 0; i < 40; ++i) report("mx" + std::to_string(40 * burst + i) + ".example.com");
    for (int round = 0; round < 5; ++round, loop_.advance(milliseconds(10)))
      for (int read = 0; read < 8 && !datagram().empty(); ++read) ++got;
  }
  for (int round = 0; round < 300; ++round, loop_.advance(milliseconds(10)))
    while (!datagram().empty()) ++got;
  EXPECT_EQ(got, 401);
  EXPECT_EQ(counts_.lost, 0U);
}

TEST_F(LossesTest, OneThatHangsHoldsNobodyUp) {
  listen();
  report("mx.example.com");
  answer();
  for (int i = 0; i < 2000; ++i) report("mx" + std::to_string(i) + ".example.com");
  loop_.advance(seconds(10));
  EXPECT_THAT(log_.lines, ElementsAre(HasSubstr("does not keep up")));
}

class HangingCollectorTest : public test::Collector {
 protected:
  // It takes nothing, and `waiting` more sessions are reported than the kernel keeps for it.
  void hang(std::size_t waiting) {
    listen();
    reports_->learn(test::domain());
    answer();
    report_hosts("mx", room_ + waiting);
  }
  void report_hosts(const std::string& name, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) report(name + std::to_string(i) + ".example.com");
  }
  [[nodiscard]] std::uint64_t read_all() const {
    std::uint64_t got = 0;
    while (!datagram().empty()) ++got;
    return got;
  }
  // It takes what comes, each hundredth of a second.
  std::uint64_t read_for(milliseconds time) {
    std::uint64_t got = 0;
    for (milliseconds passed{0}; passed < time; passed += milliseconds(10), loop_.advance(milliseconds(10)))
      got += read_all();
    return got;
  }

  const std::size_t room_ = test::datagrams_kept();
};

TEST_F(HangingCollectorTest, IsTriedLessAndLessOften) {
  hang(100);
  loop_.advance(milliseconds(200));
  EXPECT_EQ(loop_.timers_run(), 4U) << "after 10, 20, 40 and 80 ms";
  loop_.advance(minutes(1));
  EXPECT_EQ(loop_.timers_run(), 4U + 3U + 58U) << "after 160, 320 and 640 ms, and each second";
}

TEST_F(HangingCollectorTest, ThatGoesOnGetsAllThatWaitsAndIsTriedAsOftenAsBefore) {
  hang(100);
  loop_.advance(minutes(1));
  EXPECT_EQ(read_for(milliseconds(1300)), room_ + 100);
  EXPECT_EQ(counts_.lost, 0U);
}

TEST_F(HangingCollectorTest, ThatHasRoomAgainCostsNoSessionThatComesBeforeTheNextTry) {
  hang(kMaxUnsent + 100);
  loop_.advance(minutes(1));
  EXPECT_EQ(counts_.lost, 100U);
  EXPECT_EQ(read_all(), room_);
  report_hosts("later", room_);
  EXPECT_EQ(room_ + read_for(milliseconds(300)), counts_.sent) << "soon, not at the time of the next try";
  EXPECT_EQ(counts_.sent, kMaxUnsent + 2 * room_);
  EXPECT_EQ(counts_.lost, 100U);
}

TEST_F(LossesTest, WhatWasNotSentAtTheEndIsTold) {
  listen();
  report("mx.example.com");
  answer();
  for (std::size_t i = 0; i < test::datagrams_kept() + 20; ++i) report("mx" + std::to_string(i) + ".example.com");
  EXPECT_THAT(log_.lines, IsEmpty());
  end();
  EXPECT_THAT(log_.lines, ElementsAre(HasSubstr("event=tlsrpt-lost")));
}

TEST_F(LossesTest, OneThatHasRoomAtTheEndGetsWhatItHasRoomFor) {
  listen();
  report("mx.example.com");
  answer();
  const std::size_t room = test::datagrams_kept();
  for (std::size_t i = 0; i < room + 20; ++i) report("mx" + std::to_string(i) + ".example.com");
  std::uint64_t got = 0;
  while (!datagram().empty()) ++got;
  end();
  while (!datagram().empty()) ++got;
  EXPECT_EQ(counts_.sent, got);
  EXPECT_EQ(counts_.lost, room + 21 - got);
  EXPECT_EQ(got, room + std::min<std::size_t>(room, 21)) << "what was there, and as much again";
}

TEST_F(LossesTest, WhatWaitsForDnsAtTheEndIsLost) {
  listen();
  report();
  end();
  EXPECT_EQ(counts_.lost, 1U);
  EXPECT_THAT(log_.lines, ElementsAre(AllOf(HasSubstr("could not be asked for from here"), HasSubstr(" sessions=1 "))));
}

}  // namespace
}  // namespace mtasts
