#include "adapters/cli/check/paced_inspector.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/check/fake_outside.h"
#include "tests/unit/module/fakes.h"

namespace mtasts::check {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class PacedInspection : public testing::Test {
 protected:
  void look(const std::string& address) {
    paced_.policy_host(*Domain::parse("example.com"), address, [this](const auto&) { ++done_; });
  }
  void pass(std::chrono::milliseconds time) {
    now_ += time;
    loop_.advance(time);
  }
  std::vector<std::string> begun() { return std::exchange(internet_.asked, {}); }

  SteadyTime now_{};
  FakeLoop loop_;
  FakeInternet internet_;
  PacedInspector paced_{loop_, internet_, [this] { return now_; }};
  int done_ = 0;
};

TEST_F(PacedInspection, BeginsOneLookAtATimeAtAnAddress) {
  for (int i = 0; i < 3; ++i) look("192.0.2.1");
  EXPECT_THAT(begun(), ElementsAre("policy 192.0.2.1"));
  pass(kLookInterval - std::chrono::milliseconds(1));
  EXPECT_THAT(begun(), IsEmpty());
  pass(std::chrono::milliseconds(1));
  EXPECT_THAT(begun(), ElementsAre("policy 192.0.2.1"));
  pass(kLookInterval);
  EXPECT_THAT(begun(), ElementsAre("policy 192.0.2.1"));
  internet_.run();
  EXPECT_EQ(done_, 3);
}

TEST_F(PacedInspection, KeepsNoLookAtAnotherAddressWaiting) {
  look("192.0.2.1");
  look("192.0.2.2");
  EXPECT_THAT(begun(), ElementsAre("policy 192.0.2.1", "policy 192.0.2.2"));
}

TEST_F(PacedInspection, MxHostsWithOtherNamesAtTheSameAddressWaitToo) {
  for (const char* name : {"a.example.com", "b.example.com"})
    paced_.mx_host(*Domain::parse(name), "192.0.2.25", {}, [this](const auto&) { ++done_; });
  EXPECT_THAT(begun(), ElementsAre("mx a.example.com 192.0.2.25 0"));
  pass(kLookInterval);
  EXPECT_THAT(begun(), ElementsAre("mx b.example.com 192.0.2.25 0"));
}

TEST_F(PacedInspection, KnowsWhichAddressesAreBusyHoweverManyThereAre) {
  for (int i = 0; i < 3000; ++i) look("10.0." + std::to_string(i / 250) + "." + std::to_string(i % 250));
  begun();
  look("10.0.0.0");
  EXPECT_THAT(begun(), IsEmpty());
  pass(kLookInterval);
  EXPECT_THAT(begun(), ElementsAre("policy 10.0.0.0"));
}

}  // namespace
}  // namespace mtasts::check
