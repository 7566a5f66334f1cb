#include "fetch/trust.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "tests/unit/lab.h"

namespace mtasts {
namespace {

using ::testing::HasSubstr;

void expect_fault(const Result<void>& trust, const std::string& file) {
  ASSERT_FALSE(trust);
  EXPECT_EQ(trust.error().code, ErrorCode::kLocalFault);
  EXPECT_THAT(trust.error().detail, HasSubstr(file));
}

TEST(Trust, IsThereWithReadableAuthorities) {
  const auto trust = check_trust(test::lab("CA"), "");
  EXPECT_TRUE(trust) << trust.error().detail;
}

// R16: else every policy host would seem to have a bad certificate, and mail would go out unprotected.
TEST(Trust, R16WithoutAuthoritiesIsAFaultOfThisMachine) {
  expect_fault(check_trust("/missing/ca.pem", ""), "/missing/ca.pem");
}

TEST(Trust, R16WithoutAListOfRevocationsThatWasAskedForIsAFaultOfThisMachine) {
  expect_fault(check_trust(test::lab("CA"), "/missing/crl.pem"), "/missing/crl.pem");
}

}  // namespace
}  // namespace mtasts
