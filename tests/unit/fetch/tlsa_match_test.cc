// DANE over certificates that openssl(1) made: the lab's root, an authority below it and a host below that.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "fetch/certificates.h"
#include "tests/unit/lab.h"

namespace mtasts {
namespace {

const char kHost[] = "mta-sts.intermediate.test";

// PEM to DER, by hand.
Chain chain_in(const std::string& path) {
  std::ifstream file(path);
  Chain chain;
  std::string base64;
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("-----BEGIN")) base64.clear();
    if (line.starts_with("-----END")) {
      std::string der;
      unsigned bits = 0;
      int count = 0;
      for (const char c : base64) {
        const auto value = std::string_view("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/").find(c);
        if (value == std::string_view::npos) continue;
        bits = bits << 6U | static_cast<unsigned>(value);
        if (++count % 4 == 0)
          for (int shift = 16; shift >= 0; shift -= 8) der += static_cast<char>(bits >> static_cast<unsigned>(shift));
      }
      if (count % 4 == 3) der += {static_cast<char>(bits >> 10U), static_cast<char>(bits >> 2U)};
      if (count % 4 == 2) der += static_cast<char>(bits >> 4U);
      chain.push_back(der);
    }
    if (!line.starts_with("-----")) base64 += line;
  }
  return chain;
}

Chain shown(const std::string& domain) { return chain_in(test::lab("DIR") + "/pki/leaf-" + domain + ".pem"); }

std::string selected(unsigned selector, const std::string& certificate) {
  return selector == 0 ? certificate : public_key_info(certificate);
}

std::string association(unsigned selector, unsigned matching, const std::string& certificate) {
  const std::string data = selected(selector, certificate);
  return matching == 0 ? data : tlsa_digest(matching, data);
}

TEST(TlsaMatch, R29EverySelectorAndMatchingTypeOfTheHostsOwnKey) {
  const Chain chain = shown("intermediate");
  ASSERT_EQ(chain.size(), 2U);
  for (const unsigned selector : {0U, 1U})
    for (const unsigned matching : {0U, 1U, 2U}) {
      const TlsaRecord right{3, selector, matching, association(selector, matching, chain[0])};
      TlsaRecord wrong = right;
      wrong.data.back() = static_cast<char>(wrong.data.back() ^ 1);
      EXPECT_EQ(matches_tlsa({right}, chain, kHost), std::optional(true)) << selector << matching;
      EXPECT_EQ(matches_tlsa({wrong}, chain, kHost), std::optional(false)) << selector << matching;
      EXPECT_EQ(matches_tlsa({wrong, right}, chain, kHost), std::optional(true)) << "one is enough";
    }
}

TEST(TlsaMatch, R29AnAuthorityThatIsSentAlongCountsForTheHostsItSigned) {
  const Chain chain = shown("intermediate");
  ASSERT_EQ(chain.size(), 2U);
  const TlsaRecord authority{2, 0, 1, association(0, 1, chain[1])};
  EXPECT_EQ(matches_tlsa({authority}, chain, kHost), std::optional(true));
  EXPECT_EQ(matches_tlsa({authority}, chain, "another.test"), std::optional(false)) << "DANE-TA demands the name";
  EXPECT_EQ(matches_tlsa({authority}, {chain[0]}, kHost), std::optional(false)) << "it was not sent";
  EXPECT_EQ(matches_tlsa({authority}, {shown("rsa2048").at(0), chain.at(1)}, "mta-sts.rsa2048.test"),
            std::optional(false))
      << "it did not sign this one";
  EXPECT_EQ(matches_tlsa({{3, 0, 1, association(0, 1, chain[1])}}, chain, kHost), std::optional(false))
      << "DANE-EE is the host's own";
}

TEST(TlsaMatch, DaneEeAsksForNeitherNameNorDate) {
  const Chain chain = shown("expired");
  EXPECT_EQ(matches_tlsa({{3, 0, 1, association(0, 1, chain[0])}}, chain, "another.test"), std::optional(true));
}

TEST(TlsaMatch, WhatCannotBeReadMatchesNothing) {
  EXPECT_EQ(matches_tlsa({{3, 1, 0, "x"}}, {"no certificate"}, kHost), std::optional(false));
  EXPECT_EQ(matches_tlsa({{3, 1, 1, std::string(32, 'x')}}, {}, kHost), std::optional(false));
  EXPECT_EQ(matches_tlsa({{3, 1, 1, "short"}}, {}, kHost), std::nullopt);
}

}  // namespace
}  // namespace mtasts
