#include "core/record.h"

#include <gtest/gtest.h>

namespace mtasts {
namespace {

using Kind = RecordFinding::Kind;

const std::string kLongName(32, 'n');
const std::string kLongId(32, '1');

struct Case {
  std::string text;
  std::string id;
};

TEST(Record, R6ReadsTheGrammar) {
  const Case kCases[] = {
      {"v=STSv1; id=20160831085700Z;", "20160831085700Z"},
      {"v=STSv1; id=20160831085700Z", "20160831085700Z"},
      {"v=STSv1;id=1", "1"},
      {"v=STSv1;id=1;", "1"},
      {"v=STSv1 \t; \tid=aZ09 \t; \t", "aZ09"},
      {"v=STSv1;   id=1   ;   ", "1"},
      {"v=STSv1; id=" + kLongId, kLongId},
      {"v=STSv1; a=b; id=1; c=d", "1"},
      {"v=STSv1; " + kLongName + "=x; id=1", "1"},
      {"v=STSv1; 0.x-y_z=!\"#$%&'()*+,-./:<>?@[\\]^_`{|}~; id=1", "1"},
  };
  for (const Case& c : kCases) EXPECT_EQ(read_record({c.text}), (RecordFinding{Kind::kFound, c.id, {}})) << c.text;
}

TEST(Record, R5WhiteSpaceBeforeTheFirstDelimiterIsOurs) {  // erratum 6285
  EXPECT_EQ(read_record({"v=STSv1 ; id=1"}).id, "1");
  EXPECT_EQ(read_record({"v=STSv1\t;id=1"}).id, "1");
}

TEST(Record, R5DiscardsWhatIsNotOurs) {
  const std::string kOthers[] = {
      "",
      "v=STSv1",
      "v=STSv1 ",
      "v=STSv1 id=1",
      "v=STSv12; id=1",
      "v=STSv10;id=1",
      "v=stsv1; id=1",
      "V=STSv1; id=1",
      " v=STSv1; id=1",
      "\"v=STSv1; id=1\"",
      "v = STSv1; id=1",
      "v=STSv1,id=1",
      "v=spf1 -all",
      "v=TLSRPTv1; rua=mailto:a@b",
      "id=1; v=STSv1;",
      std::string("\0v=STSv1; id=1", 14),
      std::string("v=STSv1\0; id=1", 14),
      "v=STSv1\n; id=1",
      "\xff\xfe",
  };
  for (const std::string& text : kOthers) EXPECT_EQ(read_record({text}).kind, Kind::kAbsent) << text;
  EXPECT_EQ(read_record({}).kind, Kind::kAbsent);
}

TEST(Record, R6RefusesWhatTheGrammarDoesNotKnow) {
  const std::string kBad[] = {
      "v=STSv1;;id=1",
      "v=STSv1;id=1;;",
      "v=STSv1; id=1; ;",
      "v=STSv1; id=1 ",  // white space belongs to a delimiter
      "v=STSv1; id=1\t",
      "v=STSv1; id=1 2",
      "v=STSv1; id =1",
      "v=STSv1; id= 1",
      "v=STSv1; id=",
      "v=STSv1; id=1=2",
      "v=STSv1; id=a-b",
      "v=STSv1; id=a_b",
      "v=STSv1; id=2016.08.31",
      "v=STSv1; id=" + kLongId + "3",
      "v=STSv1; id=\xc3\xbc",
      std::string("v=STSv1; id=1\0", 14),
      std::string("v=STSv1; id=1;\0=x", 17),
      "v=STSv1; id=1\n",
      "v=STSv1; id=1; a",
      "v=STSv1; id=1; =b",
      "v=STSv1; id=1; a=",
      "v=STSv1; id=1; a=b=c",
      "v=STSv1; id=1; -a=b",
      "v=STSv1; id=1; _a=b",
      "v=STSv1; id=1; a b=c",
      "v=STSv1; id=1; a*=b",
      "v=STSv1; id=1; a=b c",
      "v=STSv1; id=1; a=\xe2\x82\xac",
      "v=STSv1; id=1; a=\x7f",
      "v=STSv1; id=1; n" + kLongName + "=x",
  };
  for (const std::string& text : kBad) {
    const RecordFinding finding = read_record({text});
    EXPECT_EQ(finding.kind, Kind::kInvalid) << text;
    EXPECT_EQ(finding.id, "");
    EXPECT_NE(finding.reason, "");
    EXPECT_EQ(finding.reason.find_first_of(std::string_view("\0\n\t\x7f\xff", 5)), std::string::npos) << text;
  }
}

TEST(Record, R7IgnoresUnknownFields) { EXPECT_EQ(read_record({"v=STSv1; v=STSv2; ID=9; future=1; id=5"}).id, "5"); }

TEST(Record, R7FirstOfDuplicatedFieldsCounts) {
  EXPECT_EQ(read_record({"v=STSv1; id=1; id=2"}).id, "1");
  EXPECT_EQ(read_record({"v=STSv1; id=1; id=not-an-id"}).id, "1");
  EXPECT_EQ(read_record({"v=STSv1; id=not-an-id; id=1"}).kind, Kind::kInvalid);
}

TEST(Record, R7WithoutIdIsInvalid) {
  for (const char* text : {"v=STSv1;", "v=STSv1; ", "v=STSv1; a=b", "v=STSv1; ID=1", "v=STSv1; Id=1;"}) {
    EXPECT_EQ(read_record({text}).kind, Kind::kInvalid) << text;
  }
}

TEST(Record, R5FindsItAmongOthers) {
  EXPECT_EQ(read_record({"v=spf1 -all", "v=STSv1; id=7", "v=STSv12; id=8", ""}).id, "7");
}

TEST(Record, R5MoreThanOneIsInvalid) {
  EXPECT_EQ(read_record({"v=STSv1; id=1", "v=STSv1; id=2"}).kind, Kind::kInvalid);
  EXPECT_EQ(read_record({"v=STSv1; id=1", "v=STSv1; id=1"}).kind, Kind::kInvalid);
  EXPECT_EQ(read_record({"v=STSv1; id=1", "v=STSv1;"}).kind, Kind::kInvalid) << "what is malformed counts, too";
}

TEST(Record, R4TheStringsOfOneRecordAreAlreadyJoined) {
  // "v=STSv1; id=2016" "0831" arrives as one text, two texts are two records.
  EXPECT_EQ(read_record({"v=STSv1; id=20160831"}).id, "20160831");
  EXPECT_EQ(read_record({"v=STSv1; id=2016", "0831"}).id, "2016");
}

}  // namespace
}  // namespace mtasts
