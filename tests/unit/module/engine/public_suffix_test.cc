// Whose domain is it?
#include "module/engine/public_suffix.h"

#include <gtest/gtest.h>

namespace mtasts {
namespace {

TEST(RegistrableDomain, IsOneLabelBelowAPublicSuffix) {
  EXPECT_EQ(registrable_domain("example.com"), "example.com");
  EXPECT_EQ(registrable_domain("a.b.example.com"), "example.com");
  EXPECT_EQ(registrable_domain("mail.example.co.uk"), "example.co.uk");
  EXPECT_EQ(registrable_domain("other.co.uk"), "other.co.uk");
  EXPECT_EQ(registrable_domain("_mta-sts.example.com"), "example.com");
}

TEST(RegistrableDomain, OfAnUnknownTopLevelDomainHasTwoLabels) {
  EXPECT_EQ(registrable_domain("a.b.test"), "b.test");
  EXPECT_EQ(registrable_domain("b.test"), "b.test");
}

TEST(RegistrableDomain, KnowsNamesInALabels) {
  EXPECT_EQ(registrable_domain("a.xn--bcher-kva.xn--p1ai"), "xn--bcher-kva.xn--p1ai");
}

// Else who gives names away for nothing would give places away as well.
TEST(RegistrableDomain, TakesNoServiceForARegistry) {
  EXPECT_EQ(registrable_domain("a.duckdns.org"), "duckdns.org");
  EXPECT_EQ(registrable_domain("b.a.github.io"), "github.io");
}

TEST(RegistrableDomain, OfWhatHasNoneIsTheNameItself) {
  EXPECT_EQ(registrable_domain("co.uk"), "co.uk");
  EXPECT_EQ(registrable_domain("com"), "com");
  EXPECT_EQ(registrable_domain("localhost"), "localhost");
  EXPECT_EQ(registrable_domain(""), "");
}

}  // namespace
}  // namespace mtasts
