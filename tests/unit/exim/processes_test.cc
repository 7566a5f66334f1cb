#include "adapters/exim/processes.h"

#include <gtest/gtest.h>

#include "tests/unit/module/fake_log.h"

namespace mtasts {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class EximProcesses : public testing::Test {
 protected:
  static std::string process(const std::string& peer, std::size_t number) {
    return peer + ' ' + std::to_string(number);
  }
  // A whole connection for mail under a policy in testing to a host that it does not list.
  void connect(const std::string& name) {
    const auto session = SessionFacts::read("mode=testing");
    const auto secured = SessionFacts::read("mode=testing cv=1 ver=TLS1.3");
    for (const auto& event : {Event{"tcp:connect", "", "example.com", "mx.example.net", "192.0.2.1", "0", *session},
                              Event{"smtp:ehlo", "250 mx", "example.com", "mx.example.net", "192.0.2.1", "0", *secured},
                              Event{"tcp:close", "", "example.com", "mx.example.net", "192.0.2.1", "0", *secured}})
      processes_.watcher(name, now_).on(event, WallTime{});
  }
  milliseconds begin(const std::string& name) { return processes_.begin_lookup(name, seconds(20), now_); }

  FakeLog log_{std::make_shared<Lines>()};
  Decision decision_ = no_policy("");
  std::size_t reported_ = 0;
  EventWatcher::Report report_ = [this](const TlsSession&) { ++reported_; };
  Processes processes_{[this](std::string_view) { return decision_; }, log_, &report_, nullptr};
  SteadyTime now_ = SteadyTime{} + std::chrono::hours(1);
};

TEST_F(EximProcesses, HaveABudgetEach) {
  begin("uid 0 1");
  now_ += seconds(15);
  processes_.end_lookup("uid 0 1", now_);
  EXPECT_EQ(begin("uid 0 1"), seconds(5));
  EXPECT_EQ(begin("uid 0 2"), seconds(20));
}

TEST_F(EximProcesses, R24R32WhoseNumberComesAgainReportAHostThatThePolicyDoesNotListAnew) {
  decision_.kind = Decision::Kind::kPolicy;
  decision_.mode = Mode::kTesting;
  decision_.domain = "example.com";
  decision_.id = "1";
  decision_.mx = {"mx.example.com"};
  for (int i = 0; i < 3; ++i, now_ += Processes::kLongestSilence) connect("uid 0 1");
  EXPECT_EQ(reported_, 1U) << "once a process, however long it is at work";
  now_ += seconds(1);
  connect("uid 0 1");
  EXPECT_EQ(reported_, 2U);
}

TEST_F(EximProcesses, AreBounded) {
  const EventWatcher* first = &processes_.watcher("uid 0 1", now_);
  EXPECT_EQ(&processes_.watcher("uid 0 1", now_), first);
  for (std::size_t i = 0; i < 3 * Processes::kMax; ++i) {
    processes_.watcher(process("uid 0", 1000 + i), now_);
    EXPECT_EQ(&processes_.watcher("uid 0 1", now_), first) << "who goes on is kept";
  }
}

TEST_F(EximProcesses, OfOnePeerPushOutNoneOfAnothers) {
  const std::size_t few = 100;
  for (std::size_t i = 0; i < few; ++i) begin(process("uid 100", i));
  now_ += seconds(15);
  for (std::size_t i = 0; i < few; ++i) processes_.end_lookup(process("uid 100", i), now_);
  for (std::size_t i = 0; i < 3 * Processes::kMax; ++i) processes_.watcher(process("192.0.2.1", i), now_);
  for (std::size_t i = 0; i < few; ++i) EXPECT_EQ(begin(process("uid 100", i)), seconds(5)) << i;
}

TEST_F(EximProcesses, AForgottenOneBeginsAnew) {
  begin("uid 0 1");
  for (std::size_t i = 0; i < 3 * Processes::kMax; ++i) processes_.watcher(process("uid 0", 1000 + i), now_);
  processes_.end_lookup("uid 0 1", now_);
  EXPECT_EQ(begin("uid 0 1"), seconds(20));
}

}  // namespace
}  // namespace mtasts
