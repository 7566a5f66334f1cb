#include "module/trial/observed.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/module/fake_log.h"

namespace mtasts {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

class Observed : public testing::Test {
 protected:
  Observed() { decision_.domain = "example.com"; }
  void found(std::vector<std::string> refused, std::size_t hosts) {
    MxChoice::Findings findings{{}, hosts};
    for (auto& host : refused) findings.failures.push_back({host, {ErrorCode::kCertificateExpired, "expired"}});
    log_observed(log_, decision_, "postfix", findings);
  }
  Decision decision_;
  FakeLog log_;
};

TEST_F(Observed, AHostThatWouldBeRefusedIsLogged) {
  found({"mx1.test"}, 2);
  EXPECT_THAT(log_.lines, ElementsAre("warning event=observed-failure domain=example.com server=postfix mx=mx1.test "
                                      "result=certificate-expired detail=\"expired\" effect=\"none: observing only\""));
}

TEST_F(Observed, WithNoHostLeftTheMailWouldWait) {
  found({"mx1.test", "mx2.test"}, 2);
  EXPECT_THAT(log_.lines, ElementsAre(HasSubstr("mx=mx1.test"), HasSubstr("mx=mx2.test"),
                                      StartsWith("warning event=observed-defer domain=example.com server=postfix ")));
}

TEST_F(Observed, GoodHostsAreNoNews) {
  found({}, 2);
  found({}, 0);
  EXPECT_THAT(log_.lines, IsEmpty());
}

TEST_F(Observed, R29AHostThatDaneJudgesIsLeftToIt) {
  decision_.dane_hosts = {"mx1.test"};
  found({"mx1.test"}, 1);
  EXPECT_THAT(log_.lines, IsEmpty());
}

}  // namespace
}  // namespace mtasts
