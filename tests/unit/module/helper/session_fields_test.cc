// Sessions on their way to the helper.
#include "module/helper/session_fields.h"

#include <gtest/gtest.h>

#include "core/policy.h"

namespace mtasts {
namespace {

// A frame as the helper reads it.
std::optional<TlsSession> handed_over(const TlsSession& session) {
  FrameReader reader;
  reader.add(encode_frame(encode_session(session, {"1", kReportRequest})));
  const auto frame = reader.next();
  return frame && *frame ? decode_session(**frame) : std::nullopt;
}

TEST(SessionFields, ArriveAsTheyWere) {
  auto session =
      sts_session(Domain::parse("example.com").value(), "version: STSv1\nmx: a.example\n", {"a.example", "b.example"});
  session.dane_hosts = {"dane.example"};
  session.result = TlsResult::kCertificateExpired;
  session.mx_host = "a.example";
  session.reason = "the certificate has expired";
  session.message = "1rXyz0-1";
  const auto read = handed_over(session);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->domain, session.domain);
  EXPECT_EQ(read->strings, session.strings);
  EXPECT_EQ(read->patterns, session.patterns);
  EXPECT_EQ(read->dane_hosts, session.dane_hosts);
  EXPECT_EQ(read->result, session.result);
  EXPECT_EQ(read->mx_host, session.mx_host);
  EXPECT_EQ(read->reason, session.reason);
  EXPECT_EQ(read->message, session.message);
}

// What ends a frame ends the helper, with the sessions of other domains that it was handed.
TEST(SessionFields, ArriveWhateverNumberOfLinesThePolicyHas) {
  std::string body;
  while (body.size() + 4 <= kMaxPolicyBytes) body += "a:b\n";
  const auto session =
      sts_session(Domain::parse("example.com").value(), body, std::vector<std::string>(6000, "a.example"));
  const auto read = handed_over(session);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->strings, session.strings);
  EXPECT_EQ(read->patterns, session.patterns);
}

TEST(SessionFields, AreRefusedWithABlankLineOrOneThatHasNoEnd) {
  auto fields = encode_session(sts_session(Domain::parse("example.com").value(), "a\n", {"b"}), {"1", kReportRequest});
  ASSERT_TRUE(decode_session(fields));
  fields.back() = "b\n\nc\n";
  EXPECT_FALSE(decode_session(fields));
  fields.back() = "b";
  EXPECT_FALSE(decode_session(fields));
  fields.back() = "b\n";
  fields.emplace_back();
  EXPECT_FALSE(decode_session(fields));
}

}  // namespace
}  // namespace mtasts
