// Which TXT records of _smtp._tls.<domain> ask for reports (RFC 8460 §3).
#include "core/tlsrpt_record.h"

#include <gtest/gtest.h>

#include <utility>

namespace mtasts {
namespace {

constexpr char kGood[] = "v=TLSRPTv1; rua=mailto:reports@example.com";

TEST(TlsrptRecord, R31ReportsAreWantedWhereThereIsOne) {
  for (const char* record :
       {"v=TLSRPTv1; rua=mailto:reports@example.com", "v=TLSRPTv1;rua=mailto:a@example.com;",
        "v=TLSRPTv1;rua=https://reports.example.com/v1/tlsrpt",
        "v=TLSRPTv1 ; rua=mailto:a@example.com , https://b.example", "v=TLSRPTv1; x=1; rua=mailto:a@example.com",
        "v=TLSRPTv1; rua=MAILTO:a@example.com", "v=TLSRPTv1; rua=ftp://example.com,mailto:a@example.com"})
    EXPECT_EQ(tlsrpt_record({record}), record);
}

TEST(TlsrptRecord, R31OtherRecordsDoNotCount) {
  EXPECT_EQ(tlsrpt_record({"v=spf1 -all", kGood, "v=TLSRPTv12; rua=mailto:b@example.com", "",
                           "v=tlsrptv1; rua=mailto:c@d.example"}),
            kGood);
}

TEST(TlsrptRecord, R31NoneAreWantedWhereThereIsNoneOrMoreThanOne) {
  EXPECT_FALSE(tlsrpt_record({}));
  EXPECT_FALSE(tlsrpt_record({"v=spf1 -all"}));
  EXPECT_FALSE(tlsrpt_record({kGood, kGood}));
}

TEST(TlsrptRecord, OneThatIsTooLongToBeCachedDoesNotCount) {
  std::string record = "v=TLSRPTv1; rua=mailto:a@example.com; x=";
  record.resize(kMaxTlsrptRecord, 'x');
  EXPECT_EQ(tlsrpt_record({record}), record);
  EXPECT_FALSE(tlsrpt_record({record + "x"}));
}

TEST(TlsrptRecord, R31NoneAreWantedWithoutAPlaceToSendThemTo) {
  for (const char* record :
       {"v=TLSRPTv1", "v=TLSRPTv1;", "v=TLSRPTv1; rua=", "v=TLSRPTv1; rua=mailto:", "v=TLSRPTv1; rua",
        "v=TLSRPTv1; rua=http://example.com", "v=TLSRPTv1; rua=ftp://x; rua=mailto:a@example.com",
        "v=TLSRPTv1; rue=mailto:a@example.com", "v=TLSRPTv1; rua=mailto:a@example.com\n",
        "v=TLSRPTv1; rua=mailto:\xff@example.com"})
    EXPECT_FALSE(tlsrpt_record({record})) << record;
}

// What tlsrpt-reporter 0.6.0 was seen to read, and to make no report of.
TEST(TlsrptRecord, TheCollectorGetsOneThatItsReporterCanRead) {
  for (const char* record : {kGood, "v=TLSRPTv1;rua=mailto:a@b.example;", "v=TLSRPTv1;  rua=mailto:a@b.example ; x=1",
                             "v=TLSRPTv1; rua=mailto:a@b.example,https://c.example/?d=e"})
    EXPECT_EQ(plain_tlsrpt_record(record), record);
  const std::pair<const char*, const char*> changed[] = {
      {"v=TLSRPTv1 ; rua=mailto:a@b.example", "v=TLSRPTv1; rua=mailto:a@b.example"},
      {"v=TLSRPTv1; rua=mailto:a@b.example, https://c.example/?d=e",
       "v=TLSRPTv1; rua=mailto:a@b.example,https://c.example/?d=e"},
      {"v=TLSRPTv1; x=1; rua=mailto:a@b.example; y=2", "v=TLSRPTv1; rua=mailto:a@b.example"},
      {"v=TLSRPTv1;; rua=mailto:a@b.example", "v=TLSRPTv1; rua=mailto:a@b.example"},
      {"v=TLSRPTv1; rua = mailto:a@b.example", "v=TLSRPTv1; rua=mailto:a@b.example"},
      {"v=TLSRPTv1; rua=MailTo:A@b.example,HTTPS://C.example", "v=TLSRPTv1; rua=mailto:A@b.example,https://C.example"},
      {"v=TLSRPTv1; rua=http://d.example,,mailto:a@b.example", "v=TLSRPTv1; rua=mailto:a@b.example"},
  };
  for (const auto& [record, plain] : changed) {
    ASSERT_TRUE(tlsrpt_record({record}));
    EXPECT_EQ(plain_tlsrpt_record(record), plain);
  }
}

}  // namespace
}  // namespace mtasts
