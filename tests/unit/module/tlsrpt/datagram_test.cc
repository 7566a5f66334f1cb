// What is written for tlsrpt-collectd.
#include "module/tlsrpt/datagram.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/unit/core/builders.h"

namespace mtasts {
namespace {

using nlohmann::json;

constexpr char kRecord[] = "v=TLSRPTv1; rua=mailto:r@example.com";

TlsSession session(TlsResult result, const std::string& reason = {}) {
  TlsSession session = sts_session(
      test::domain(), "version: STSv1\r\nmode: testing\n\nmx: mx.example.com\nmax_age: 86400\nnote: \"\xc3\xa4\"\n",
      {"mx.example.com"});
  session.result = result;
  session.own_address = "192.0.2.9";
  session.mx_host = "mx.example.com";
  session.mx_address = "192.0.2.1";
  session.reason = reason;
  return session;
}

json policy(const TlsSession& session) { return json::parse(tlsrpt_datagram(session, kRecord))["policies"][0]; }

// As libtlsrpt 0.5.1 wrote it, given the same.
TEST(TlsrptDatagram, R32R33AFailedSessionIsWhatLibtlsrptWouldSend) {
  const auto failed = session(TlsResult::kCertificateExpired, "certificate of mx.example.com is expired");
  EXPECT_EQ(json::parse(tlsrpt_datagram(failed, kRecord)), json::parse(R"({
    "dpv": "1","d": "example.com","pr": "v=TLSRPTv1; rua=mailto:r@example.com","policies":[{"policy-type":2,
    "policy-domain": "example.com",
    "policy-string":["version: STSv1","mode: testing","mx: mx.example.com","max_age: 86400","note: \"ä\""],
    "mx-host":["mx.example.com"],"failure-details":[{"c":204,"s": "192.0.2.9","n": "mx.example.com",
    "r": "192.0.2.1","f": "certificate of mx.example.com is expired"}],"t":1,"f":1}]})"));
}

TEST(TlsrptDatagram, R32R33TheVersionOfTheFormComesFirst) {
  EXPECT_THAT(tlsrpt_datagram(session(TlsResult::kSuccess), kRecord),
              testing::StartsWith(R"({"dpv":"1","d":"example.com","pr":"v=TLSRPTv1; rua=mailto:r@example.com",)"));
}

TEST(TlsrptDatagram, R32ASuccessfulSessionHasNoDetails) {
  const auto sent = policy(session(TlsResult::kSuccess));
  EXPECT_FALSE(sent.contains("failure-details"));
  EXPECT_EQ(sent["t"], 0);
  EXPECT_EQ(sent["f"], 0);
}

TEST(TlsrptDatagram, WhatIsNotKnownIsLeftOut) {
  TlsSession refused = session(TlsResult::kValidationFailure, "the policy does not name it");
  refused.own_address.clear();
  refused.mx_address.clear();
  refused.strings.clear();
  refused.patterns.clear();
  EXPECT_EQ(policy(refused), json::parse(R"({"policy-type":2,"policy-domain":"example.com","failure-details":
    [{"c":205,"n":"mx.example.com","f":"the policy does not name it"}],"t":1,"f":1})"));
}

TEST(TlsrptDatagram, R29R32OfADaneSessionTheMxHostIsThePolicyDomain) {
  const TlsSession dane{.domain = test::domain(),
                        .type = TlsSession::PolicyType::kTlsa,
                        .policy_domain = "mx.example.com",
                        .result = TlsResult::kDaneRequired,
                        .mx_host = "mx.example.com",
                        .mx_helo = "mail.example.com"};
  EXPECT_EQ(policy(dane), json::parse(R"({"policy-type":1,"policy-domain":"mx.example.com","failure-details":
    [{"c":306,"n":"mx.example.com","h":"mail.example.com"}],"t":1,"f":1})"));
}

TEST(TlsrptDatagram, R32EachResultTypeHasItsNumberAndOnlyThoseAreReported) {
  const std::pair<ErrorCode, int> numbers[] = {
      {ErrorCode::kStartTlsNotSupported, 201},  {ErrorCode::kCertificateHostMismatch, 202},
      {ErrorCode::kCertificateNotTrusted, 203}, {ErrorCode::kCertificateExpired, 204},
      {ErrorCode::kValidationFailure, 205},     {ErrorCode::kPolicyFetch, 301},
      {ErrorCode::kPolicyInvalid, 302},         {ErrorCode::kWebPkiInvalid, 303},
  };
  for (const auto& [code, number] : numbers) {
    const auto result = tls_result(code);
    ASSERT_TRUE(result);
    EXPECT_EQ(policy(session(*result))["failure-details"][0]["c"], number);
    EXPECT_TRUE(is_tls_result(number));
    EXPECT_EQ(policy_failure(test::domain(), {code, "why"}).has_value(), number > 300);
  }
  for (const auto code :
       {ErrorCode::kUnreachable, ErrorCode::kNotTried, ErrorCode::kDnsFailure, ErrorCode::kInvalidName})
    EXPECT_FALSE(tls_result(code));
  EXPECT_FALSE(is_tls_result(200));
}

TEST(TlsrptDatagram, R31TheRecordIsOneThatTheReporterCanRead) {
  const auto datagram =
      tlsrpt_datagram(session(TlsResult::kSuccess), "v=TLSRPTv1 ; rua=mailto:r@example.com , HTTPS://b");
  EXPECT_EQ(json::parse(datagram)["pr"], "v=TLSRPTv1; rua=mailto:r@example.com,https://b");
}

TEST(TlsrptDatagram, ForeignBytesLeaveItOneJsonText) {
  EXPECT_TRUE(json::accept(tlsrpt_datagram(session(TlsResult::kValidationFailure, "a \" and \xff"), kRecord)));
}

}  // namespace
}  // namespace mtasts
