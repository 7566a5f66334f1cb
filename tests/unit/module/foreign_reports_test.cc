// What a process without an event loop reports by itself or hands to a helper, and what it says of what is lost.
#include "module/foreign_reports.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>
#include <thread>

#include "module/helper/session_fields.h"
#include "module/io/wall_clock.h"
#include "tests/unit/core/builders.h"
#include "tests/unit/module/fake_log.h"
#include "tests/unit/module/scratch.h"
#include "tests/unit/sockets.h"

namespace mtasts {
namespace {

using std::chrono::hours;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using Life = ForeignReports::Life;

// A helper that keeps what it is handed, until its peer ends, in a file.
constexpr const char* kKeeping = R"(exec 3<&0; (cat <&3 >"$0.new"; mv "$0.new" "$0.got") >/dev/null 2>&1 &)";

class ForeignReporting : public testing::Test {
 protected:
  ForeignReporting() {
    config_.cache_directory = scratch_.path() + "/store";
    config_.tlsrpt_socket = scratch_.path() + "/collectd.sock";
    config_.helper_program = scratch_.path() + "/mtasts-lookup";
    std::filesystem::create_directory(config_.cache_directory);
    ::chmod(scratch_.path().c_str(), 0755);
    open();
  }

  void open(Life life = Life::kShort) { reports_ = std::make_unique<ForeignReports>(config_, log_, life); }
  void listen() { collector_ = test::datagram_socket_at(config_.tlsrpt_socket); }
  // That it wants reports is cached.
  void wants(const std::string& domain = "example.com") const {
    ReportWishes(config_.cache_directory)
        .put(test::domain(domain), {"v=TLSRPTv1; rua=mailto:r@example.com", now() + hours(1)});
  }
  static TlsSession session(const std::string& domain = "example.com") {
    return sts_session(test::domain(domain), test::policy_body(), {"mx.example.com"});
  }

  // In the helper's place: notes that it was started, and runs `command`, whose standard input is the socket.
  void be_helper(const std::string& command) const {
    std::ofstream(config_.helper_program) << "#!/bin/sh\necho >>\"$0.started\"\n" << command << '\n';
    ::chmod(config_.helper_program.c_str(), 0755);
  }
  [[nodiscard]] std::string text_of(const std::string& ending) const {
    std::ostringstream text;
    text << std::ifstream(config_.helper_program + ending).rdbuf();
    return text.str();
  }
  [[nodiscard]] std::size_t helpers_started() const { return text_of(".started").size(); }
  // What the helper of kKeeping was handed, when nobody hands it anything any more.
  [[nodiscard]] std::string when_helper_has_all() const {
    for (int i = 0; i < 1000 && text_of(".got").empty(); ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    return text_of(".got");
  }
  static int times(const std::string& text, const std::string& within) {
    int found = 0;
    for (auto at = within.find(text); at != std::string::npos; at = within.find(text, at + 1)) ++found;
    return found;
  }
  // More than the socket holds, fewer than are kept besides. How many.
  std::size_t report_more_than_room_for() {
    const std::size_t count = test::datagrams_kept() + 89;
    for (std::size_t i = 0; i < count; ++i) reports_->report(session());
    return count;
  }
  // How many wait at the collector.
  [[nodiscard]] std::size_t datagrams() const {
    std::size_t found = 0;
    for (char first = 0; ::recv(collector_.get(), &first, 1, MSG_DONTWAIT) >= 0;) ++found;
    return found;
  }

  Scratch scratch_;
  Config config_;
  FakeLog log_;
  Descriptor collector_;
  std::unique_ptr<ForeignReports> reports_;
};

TEST_F(ForeignReporting, ThatNobodyListensIsToldOnceAnHourByAllShortLivedProcesses) {
  wants();
  for (int process = 0; process < 3; ++process) {
    open();
    for (int i = 0; i < 3; ++i) reports_->report(session());
  }
  EXPECT_THAT(log_.lines, ElementsAre(AllOf(HasSubstr("warning event=tlsrpt-lost"), HasSubstr("nobody listens"))));
}

// The collector's access list names the helper's user and not Exim's.
TEST_F(ForeignReporting, AUserWhoMayNotWriteToTheCollectorSaysSo) {
  listen();
  wants();
  ::chmod(config_.tlsrpt_socket.c_str(), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    if (::getuid() == 0 && ::setresuid(65534, 65534, 65534) != 0) ::_exit(2);
    for (int i = 0; i < 3; ++i) reports_->report(session());
    const bool is_told = log_.lines.size() == 1 && log_.lines[0].find("may not write there") != std::string::npos;
    ::_exit(is_told ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

// An Exim process runs no destructors.
TEST_F(ForeignReporting, ThatTheCollectorIsFullIsToldWhenItHappens) {
  listen();
  wants();
  report_more_than_room_for();
  EXPECT_THAT(log_.lines, ElementsAre(AllOf(HasSubstr("warning event=tlsrpt-lost"), HasSubstr("does not keep up"))));
  reports_.reset();
  EXPECT_EQ(log_.lines.size(), 1U) << "not once more at the end";
}

TEST_F(ForeignReporting, ASessionThatNoHelperTakesIsTold) {
  for (const Life life : {Life::kShort, Life::kLong}) {
    open(life);
    log_.lines.clear();
    reports_->report(session());
    EXPECT_THAT(log_.lines, ElementsAre(AllOf(HasSubstr("warning event=tlsrpt-lost"), HasSubstr("lookup helper"),
                                              HasSubstr(" sessions=1 "))));
  }
}

TEST_F(ForeignReporting, R31WhereDnsCouldNotSayWhetherReportsAreWantedASessionIsLost) {
  ReportWishes(config_.cache_directory)
      .put(test::domain(), {.record = std::nullopt, .until = now() + hours(1), .is_unknown = true});
  reports_->prepare(session(), Mode::kTesting);
  EXPECT_THAT(log_.lines, IsEmpty()) << "nothing was to be reported";
  reports_->report(session());
  EXPECT_THAT(log_.lines, ElementsAre(AllOf(HasSubstr("name servers are slow"), HasSubstr(" sessions=1 "))));
  EXPECT_EQ(helpers_started(), 0U);
}

TEST_F(ForeignReporting, AProcessOfLongLifeWarnsOfEachReason) {
  open(Life::kLong);
  for (int i = 0; i < 2; ++i) reports_->report(session());
  wants();
  for (int i = 0; i < 2; ++i) reports_->report(session());
  EXPECT_THAT(log_.lines, ElementsAre(HasSubstr("lookup helper"), HasSubstr("nobody listens")));
}

TEST_F(ForeignReporting, AProcessOfLongLifeSaysAtItsEndHowManySessionsTheCollectorHadNoRoomFor) {
  listen();
  wants();
  open(Life::kLong);
  const std::size_t reported = report_more_than_room_for();
  EXPECT_THAT(log_.lines, IsEmpty()) << "they wait";
  reports_.reset();
  const std::size_t lost = reported - datagrams();
  EXPECT_THAT(log_.lines,
              ElementsAre(AllOf(HasSubstr("does not keep up"), HasSubstr(" sessions=" + std::to_string(lost) + " "))));
}

TEST_F(ForeignReporting, WhatAHelperWasHandedGoesOnAfterTheEndAndIsHandedOverOnce) {
  be_helper(kKeeping);
  open(Life::kLong);
  reports_->report(session("unknown.example"));
  reports_.reset();
  const std::string got = when_helper_has_all();
  EXPECT_EQ(times(kReportRequest, got), 1) << got;
  EXPECT_EQ(helpers_started(), 1U);
  EXPECT_THAT(log_.lines, IsEmpty());
}

TEST_F(ForeignReporting, AfterAHelperThatDoesNotStartNoneIsStartedForAWhile) {
  be_helper("exit 1");
  for (int i = 0; i < 5; ++i) reports_->report(session());
  EXPECT_EQ(helpers_started(), 1U);
}

// Whatever Exim asks again: an answer is fresh for ten seconds, and one of its last 32.
TEST_F(ForeignReporting, R24UnlistedHostsOfADomainAreLookedForOnceAProcess) {
  be_helper(kKeeping);
  for (const char* domain : {"refused.example", "other.example", "refused.example"})
    reports_->prepare(session(domain), Mode::kEnforce);
  reports_.reset();
  const std::string got = when_helper_has_all();
  EXPECT_EQ(times(kUnlistedRequest, got), 2) << got;
  EXPECT_EQ(helpers_started(), 1U);
}

// It writes down for which message that was told; a connection is told here.
TEST_F(ForeignReporting, R32AFailureOfAMessageIsToldByAHelper) {
  be_helper(kKeeping);
  listen();
  wants();
  TlsSession failure = *policy_failure(test::domain(), {ErrorCode::kPolicyFetch, "status 404"});
  failure.message = "1rXyz0-1";
  reports_->report(failure);
  EXPECT_EQ(datagrams(), 0U);
  reports_->report(session());
  EXPECT_EQ(datagrams(), 1U);
  reports_.reset();
  const std::string got = when_helper_has_all();
  EXPECT_EQ(times(kReportRequest, got), 1) << got;
  EXPECT_EQ(times("1rXyz0-1", got), 1) << got;
}

TEST_F(ForeignReporting, R29HostsThatDaneJudgesCountAsListed) {
  TlsSession one = session();
  one.dane_hosts = {"dane.example.net"};
  ReportWishes(config_.cache_directory)
      .put(one.domain, {"v=TLSRPTv1; rua=mailto:r@example.com", now() + hours(1), now() + hours(1),
                        number_of({"mx.example.com", "dane.example.net"})});
  reports_->prepare(one, Mode::kEnforce);
  EXPECT_THAT(log_.lines, IsEmpty()) << "no helper is needed";
  open();
  reports_->prepare(session(), Mode::kEnforce);
  EXPECT_THAT(log_.lines, ElementsAre(HasSubstr("lookup helper"))) << "where DANE judges none, that one is refused";
}

TEST_F(ForeignReporting, NothingIsLostWhereNothingWasToBeReported) {
  reports_->prepare(session(), Mode::kTesting);
  EXPECT_THAT(log_.lines, IsEmpty());
}

}  // namespace
}  // namespace mtasts
