// Which failures were told of which messages, shared through the store.
#include "module/tlsrpt/told_failures.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "tests/unit/core/builders.h"
#include "tests/unit/module/scratch.h"

namespace mtasts {
namespace {

using std::chrono::seconds;

class ToldFailuresTest : public testing::Test {
 protected:
  static TlsSession failure(const std::string& message, const std::string& host,
                            const std::string& domain = "example.com") {
    TlsSession session{.domain = test::domain(domain), .policy_domain = {}};
    session.result = host.empty() ? TlsResult::kPolicyFetchError : TlsResult::kValidationFailure;
    session.mx_host = host;
    session.message = message;
    return session;
  }
  Scratch scratch_;
  ToldFailures told_{scratch_.path()};
};

TEST_F(ToldFailuresTest, R32AHostIsToldOnceForAMessageByWhicheverProcess) {
  EXPECT_FALSE(told_.is_told(failure("1rXyz0-1", "mx.example.net"), test::kNow));
  const ToldFailures other(scratch_.path());
  EXPECT_TRUE(other.is_told(failure("1rXyz0-1", "mx.example.net"), test::kNow + ToldFailures::kHost - seconds(1)));
  EXPECT_FALSE(other.is_told(failure("1rXyz0-2", "mx.example.net"), test::kNow)) << "another message";
  EXPECT_FALSE(other.is_told(failure("1rXyz0-1", "mx2.example.net"), test::kNow)) << "another host";
  EXPECT_FALSE(other.is_told(failure("1rXyz0-1", "mx.example.net", "example.org"), test::kNow)) << "another domain";
  EXPECT_FALSE(other.is_told(failure("1rXyz0-1", "mx.example.net"), test::kNow + ToldFailures::kHost));
}

TEST_F(ToldFailuresTest, R32APolicyThatCannotBeHadIsToldForEachAttempt) {
  EXPECT_FALSE(told_.is_told(failure("1rXyz0-1", ""), test::kNow));
  EXPECT_TRUE(told_.is_told(failure("1rXyz0-1", ""), test::kNow + ToldFailures::kPolicy - seconds(1)));
  EXPECT_FALSE(told_.is_told(failure("1rXyz0-1", ""), test::kNow + ToldFailures::kPolicy));
}

TEST_F(ToldFailuresTest, OneOfBeforeTheClockWasSetBackIsNone) {
  EXPECT_FALSE(told_.is_told(failure("1rXyz0-1", "mx.example.net"), test::kNow));
  EXPECT_FALSE(told_.is_told(failure("1rXyz0-1", "mx.example.net"), test::kNow - seconds(1)));
}

TEST_F(ToldFailuresTest, AFileThatIsBrokenIsNoneAndIsReplaced) {
  EXPECT_FALSE(told_.is_told(failure("1rXyz0-1", ""), test::kNow));
  const auto file = std::filesystem::directory_iterator(scratch_.path() + "/.tlsrpt")->path();
  for (const std::string& text : {std::string(), std::string("1rXyz0-1 example.com - 301 x"), std::string(5000, 'x')}) {
    std::ofstream(file) << text;
    EXPECT_FALSE(told_.is_told(failure("1rXyz0-1", ""), test::kNow)) << text.size();
    EXPECT_TRUE(told_.is_told(failure("1rXyz0-1", ""), test::kNow)) << text.size();
  }
}

TEST_F(ToldFailuresTest, WhereTheStoreCannotBeWrittenNothingIsTold) {
  const ToldFailures nowhere(scratch_.path() + "/missing");
  for (int i = 0; i < 2; ++i) EXPECT_FALSE(nowhere.is_told(failure("1rXyz0-1", ""), test::kNow));
}

}  // namespace
}  // namespace mtasts
