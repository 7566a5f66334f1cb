#include "adapters/cli/report/mail.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "adapters/cli/report/header.h"
#include "tests/unit/report/builders.h"

namespace mtasts::report {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// The attachments with "|" between them, or why there are none.
std::string outcome(const std::string& mail) {
  const auto found = attached_reports(mail);
  if (!found) return found.error().reason;
  std::string all;
  for (const std::string& one : *found) all += (all.empty() ? "" : "|") + one;
  return all;
}

std::string with_lf(std::string text) {
  std::erase(text, '\r');
  return text;
}

// A multipart around `parts`, each a whole entity.
std::string multipart(const std::vector<std::string>& parts, const std::string& boundary) {
  std::string out = "Content-Type: multipart/mixed; boundary=" + boundary + "\r\n\r\n";
  for (const std::string& part : parts) out += "--" + boundary + "\r\n" + part + "\r\n";
  return out + "--" + boundary + "--\r\n";
}

std::string part(const std::string& content, const std::string& type = "application/tlsrpt+json") {
  return "Content-Type: " + type + "\r\n\r\n" + content;
}

TEST(Mail, GivesTheAttachedReport) {
  EXPECT_EQ(outcome(mail_with(base64("a report"))), "a report");
  EXPECT_EQ(outcome(with_lf(mail_with(base64("a report")))), "a report");
  EXPECT_EQ(outcome("From tls@sender.example Sun Feb  1 00:10:00 2026\n" + with_lf(mail_with(base64("a report")))),
            "a report");
  const std::string bytes("\x1f\x8b\0\xff\r\n--", 8);
  EXPECT_EQ(outcome(mail_with(base64(bytes))), bytes);
}

TEST(Mail, MayBeTheReportItself) {
  EXPECT_EQ(outcome("Subject: x\nContent-Type: APPLICATION/TLSRPT+JSON\nContent-Transfer-Encoding: BASE64\n\nYQ==\n"),
            "a");
}

TEST(Mail, MayBeEncodedInEachWay) {
  EXPECT_EQ(outcome(mail_with("{=22a=22:=\r\n 1}  \r\n=C3=BC", "application/tlsrpt+json", "quoted-printable")),
            "{\"a\": 1}\n\xc3\xbc");
  for (const char* encoding : {"7bit", "8bit", "binary", "7BIT"})
    EXPECT_EQ(outcome(mail_with("{ }", "application/tlsrpt+json", encoding)), "{ }");
  EXPECT_EQ(outcome(mail_with("{}", "application/tlsrpt+json", "x-\x1b[31m")),
            "the attachment has the unknown transfer encoding x-\\x1b[31m");
}

TEST(Mail, MayHaveTheReportDeepWithin) {
  const std::string forwarded = "Content-Type: message/rfc822\r\n\r\n" + mail_with(base64("inner"));
  EXPECT_EQ(outcome(multipart({part("x", "text/plain"), multipart({part("one"), part("two")}, "b"), forwarded}, "a")),
            "one|two|inner");
  const std::string encoded =
      "Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\n" + base64(mail_with(base64("inner")));
  EXPECT_EQ(outcome(encoded), "inner");
}

TEST(Mail, ABoundaryThatBeginsAnotherIsNotIt) {
  EXPECT_EQ(outcome(multipart({multipart({part("one")}, "ab"), part("two\r\n--abc")}, "a")), "one|two\r\n--abc");
}

TEST(Mail, ReportsAreKnownByTypeAndName) {
  for (const char* type : {"application/tlsrpt+gzip", "application/tlsrpt+json", "application/gzip",
                           "application/x-gzip", "application/gzip; name=\"r.json.gz\"",
                           "application/json; name=r.json", "application/octet-stream; name=\"R.JSON.GZ\""})
    EXPECT_EQ(outcome(multipart({part("x", type)}, "a")), "x") << type;
  for (const char* type : {"text/plain", "application/pdf", "application/json", "application/gzip; name=backup.tar.gz",
                           "application/octet-stream", "text/html; name=r.json"})
    EXPECT_EQ(outcome(multipart({part("x", type)}, "a")), "the mail has no report attached") << type;
}

TEST(Mail, AnotherMailIsTold) {
  const auto other = attached_reports("Subject: lunch?\n\nToday?\n");
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().kind, Refusal::Kind::kOtherSubject);
  const auto announced = attached_reports("TLS-Report-Domain: our.example\n\nIt got lost.\n");
  ASSERT_FALSE(announced);
  EXPECT_EQ(announced.error().kind, Refusal::Kind::kRefused);
  EXPECT_THAT(announced.error().reason, HasSubstr("announces a report"));
}

TEST(Mail, ThatIsCutOffIsRefused) {
  const std::string whole = mail_with(base64("a report"));
  for (std::size_t size = 1; size < whole.size() - 2; ++size) {
    const auto found = attached_reports(whole.substr(0, size));
    ASSERT_FALSE(found) << size;
    EXPECT_EQ(found.error().kind, Refusal::Kind::kRefused) << size << ": " << found.error().reason;
  }
}

TEST(Mail, ThatIsDamagedIsRefused) {
  EXPECT_EQ(outcome(mail_with("YQ=")), "the base64 text of the attachment is cut off");
  EXPECT_EQ(outcome(mail_with("Y")), "the base64 text of the attachment is cut off");
  EXPECT_EQ(outcome(mail_with("Y===")), "the base64 text of the attachment is cut off");
  EXPECT_EQ(outcome(mail_with("YQ==YQ==")), "the base64 text of the attachment is damaged");
  EXPECT_EQ(outcome(mail_with("Y*==")), "the base64 text of the attachment is damaged");
  for (const char* wrong : {"=4", "=G1", "a=b", "=C3=B"})
    EXPECT_EQ(outcome(mail_with(wrong, "application/tlsrpt+json", "quoted-printable")),
              "the quoted-printable text of the attachment is damaged")
        << wrong;
}

TEST(Mail, WithoutAUsableBoundaryIsRefused) {
  for (const char* type : {"multipart/report", "multipart/report; boundary=", "multipart/report; boundary=\"\""})
    EXPECT_EQ(outcome("Content-Type: " + std::string(type) + "\n\n--\n"), "the mail has parts without a boundary")
        << type;
  EXPECT_EQ(outcome("Content-Type: multipart/mixed; boundary=" + std::string(71, 'x') + "\n\n"),
            "the mail has parts without a boundary");
  EXPECT_EQ(outcome("Content-Type: multipart/mixed; boundary=a\n\n--a--\n"), "the mail has no parts");
}

TEST(Mail, IsBoundedInDepthAndParts) {
  std::string nested = part("x");
  for (int depth = 0; depth < 10; ++depth) nested = multipart({nested}, "b" + std::to_string(depth));
  EXPECT_EQ(outcome(nested), "x");
  EXPECT_EQ(outcome(multipart({nested}, "last")), "the mail has parts within parts, more than ten deep");
  EXPECT_EQ(outcome(multipart(std::vector<std::string>(1000, part("x", "text/plain")), "a")),
            "the mail has more than 1000 parts");
}

TEST(Mail, IsNotAnythingElse) {
  for (const char* other : {"x", "\n", "GIF89a\n\n", "no colon here\n\n", ": no name\n\n", "a b: c\n\n", "\x7f: x\n\n"})
    EXPECT_NE(outcome(std::string(other)).find(other[0] == '\n' ? "no report attached" : "mail"), std::string::npos)
        << other;
}

TEST(Header, IsBounded) {
  const auto taken = [](const std::string& text) {
    std::string_view rest = text;
    return Header::take(rest).has_value();
  };
  EXPECT_TRUE(taken("a: " + std::string(260'000, 'x') + "\n\n"));
  EXPECT_FALSE(taken("a: " + std::string(270'000, 'x') + "\n\n"));
  std::string fields;
  for (int i = 0; i < 2000; ++i) fields += "a: b\n";
  EXPECT_FALSE(taken(fields + "\n"));
}

TEST(Header, UnfoldsAndTakesTheFirst) {
  std::string_view rest = "A : one\r\n\ttwo\r\n  three\r\nA: other\r\n\r\nbody";
  const auto header = Header::take(rest);
  ASSERT_TRUE(header);
  EXPECT_EQ(header->field("a"), "one two three");
  EXPECT_EQ(header->field("b"), std::nullopt);
  EXPECT_EQ(rest, "body");
}

TEST(Parameters, AreWordsOrQuoted) {
  const auto parsed = parse_parameterized("Multipart/Report ; A=b; c=\"d;\\\"e\"; f; g=\"open\\");
  EXPECT_EQ(parsed.value, "multipart/report");
  EXPECT_EQ(parsed.parameter("a"), "b");
  EXPECT_EQ(parsed.parameter("c"), "d;\"e");
  EXPECT_EQ(parsed.parameter("f"), "");
  EXPECT_EQ(parsed.parameter("g"), "open\\");
  EXPECT_EQ(parse_parameterized("a; x=1; x=2").parameter("x"), "1");
}

}  // namespace
}  // namespace mtasts::report
