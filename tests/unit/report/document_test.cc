#include "adapters/cli/report/document.h"

#include <gtest/gtest.h>

#include "tests/unit/report/builders.h"

namespace mtasts::report {
namespace {

std::string outcome(const std::string& file) {
  const auto reports = reports_in(file);
  return reports ? std::to_string(reports->size()) + " reports" : reports.error().reason;
}

std::string padded(std::size_t size) { return json_of({}) + std::string(size - json_of({}).size(), ' '); }

TEST(Document, IsKnownByItsContent) {
  const std::string json = json_of({});
  EXPECT_EQ(outcome(json), "1 reports");
  EXPECT_EQ(outcome("\r\n\t " + json + "\n"), "1 reports");
  EXPECT_EQ(outcome("\xef\xbb\xbf" + json), "1 reports");
  EXPECT_EQ(outcome(gzipped(json)), "1 reports");
  EXPECT_EQ(outcome(mail_with(base64(gzipped(json)))), "1 reports");
  EXPECT_EQ(outcome(mail_with(base64(json), "application/tlsrpt+json")), "1 reports");
  EXPECT_EQ(outcome(mail_with(base64(gzipped(json)), "application/tlsrpt+json")), "1 reports");
}

TEST(Document, ThatIsNothingOfThatIsRefused) {
  EXPECT_EQ(outcome(""), "empty");
  for (const char* other : {"x", "   ", "\n\n\n", "PK\3\4 zip", "<html>", "\xff\xfe{", "%PDF-1.4\n"})
    EXPECT_FALSE(reports_in(other)) << other;
  EXPECT_EQ(outcome("[" + json_of({}) + "]"), "'the report' is not an object");
}

TEST(Document, GzipWithinGzipIsRefused) {
  EXPECT_EQ(outcome(gzipped(gzipped(json_of({})))), "gzip within gzip");
  EXPECT_EQ(outcome(mail_with(base64(gzipped(gzipped("x"))))), "gzip within gzip");
}

TEST(Document, MailWithinGzipIsRefused) { EXPECT_FALSE(reports_in(gzipped(mail_with(base64(json_of({})))))); }

TEST(Document, IsBoundedUnpacked) {
  EXPECT_EQ(outcome(padded(kMaxUnpacked)), "1 reports");
  EXPECT_EQ(outcome(gzipped(padded(kMaxUnpacked))), "1 reports");
  EXPECT_EQ(outcome(padded(kMaxUnpacked + 1)), "more than 20 MiB unpacked");
  EXPECT_EQ(outcome(gzipped(padded(kMaxUnpacked + 1))), "more than 20 MiB unpacked");
  EXPECT_EQ(outcome(std::string(kMaxFile + 1, ' ')), "larger than 32 MiB");
}

// Each of them small enough, all of them not.
TEST(Document, AttachmentsAreBoundedTogether) {
  const std::string attachment = "--a\nContent-Type: application/tlsrpt+gzip\nContent-Transfer-Encoding: base64\n\n" +
                                 base64(gzipped(padded(kMaxUnpacked / 2))) + "\n";
  const std::string head = "Content-Type: multipart/mixed; boundary=a\n\n";
  EXPECT_EQ(outcome(head + attachment + attachment + "--a--\n"), "2 reports");
  EXPECT_EQ(outcome(head + attachment + attachment + attachment + "--a--\n"), "more than 20 MiB unpacked");
}

TEST(Document, OneBadAttachmentIsTheFiles) {
  const std::string mail =
      "Content-Type: multipart/mixed; boundary=a\n\n--a\nContent-Type: application/tlsrpt+json\n\n" + json_of({}) +
      "\n--a\nContent-Type: application/tlsrpt+json\n\n{}\n--a--\n";
  EXPECT_EQ(outcome(mail), "'organization-name' is missing");
}

}  // namespace
}  // namespace mtasts::report
