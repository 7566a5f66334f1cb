#include "adapters/cli/publish/records.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/publish/internet.h"

namespace mtasts::publish {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

NamePlan name_plan(std::vector<Record> seen) { return {"a.example", std::move(seen)}; }
std::string script(const NamePlan& plan) { return nsupdate_script({domain("a.example"), {plan}}); }

TEST(PublishRecords, WhatIsThereAlreadyIsNoChange) {
  const Record txt = txt_record("v=STSv1; id=1;");
  EXPECT_FALSE(with(name_plan({txt}), {txt}, {txt}).is_changed());
  EXPECT_THAT(script(with(name_plan({txt}), {txt}, {txt})),
              AllOf(HasSubstr("nothing to change"), Not(HasSubstr("send"))));
}

TEST(PublishRecords, WhatIsNewMustNotBeThere) {
  EXPECT_THAT(script(with(name_plan({}), {txt_record("x")}, {})),
              HasSubstr("prereq nxrrset a.example. TXT\nupdate add a.example. 3600 TXT \"x\"\nsend\n"));
}

TEST(PublishRecords, ANewAliasNeedsANameThatIsNotInUse) {
  EXPECT_THAT(script(with(name_plan({}), {cname_record(domain("b.example"))}, {})),
              HasSubstr("prereq nxdomain a.example.\n"));
}

TEST(PublishRecords, WhatIsReplacedIsNamed) {
  const Record old = txt_record("v=STSv1; id=1;");
  const Record other = txt_record("something else");
  const auto plan = with(name_plan({old, other}), {txt_record("v=STSv1; id=2;")}, {old});
  EXPECT_THAT(script(plan), HasSubstr("prereq yxrrset a.example. TXT \"v=STSv1; id=1;\"\n"
                                      "prereq yxrrset a.example. TXT \"something else\"\n"
                                      "update delete a.example. TXT \"v=STSv1; id=1;\"\n"
                                      "update add a.example. 3600 TXT \"v=STSv1; id=2;\"\n"));
  EXPECT_THAT(zone_lines({domain("a.example"), {plan}}),
              AllOf(HasSubstr("a.example. 3600 IN TXT \"something else\"\n"), Not(HasSubstr("id=1"))));
}

TEST(PublishRecords, AnAliasTakesThePlaceOfAddresses) {
  const Record four{"A", "192.0.2.1"};
  const Record six{"AAAA", "2001:db8::1"};
  const auto plan = with(name_plan({four, six}), {cname_record(domain("host.example"))}, {four, six});
  EXPECT_THAT(script(plan),
              AllOf(HasSubstr("prereq yxrrset a.example. A 192.0.2.1\n"), HasSubstr("update delete a.example. AAAA"),
                    HasSubstr("update add a.example. 3600 CNAME host.example.\n"), Not(HasSubstr("nxrrset"))));
}

TEST(PublishRecords, AnotherTypeBesideMustNotBeThere) {
  const auto plan = with(name_plan({{"A", "192.0.2.1"}}), {{"A", "192.0.2.1"}, {"AAAA", "2001:db8::1"}}, {});
  EXPECT_THAT(script(plan), HasSubstr("prereq nxrrset a.example. AAAA\n"));
}

TEST(PublishRecords, NoByteFromDnsBecomesALineOfTheScript) {
  check::Facts facts{domain("a.example")};
  facts.record = found({"v=STSv1; id=1;\"\nupdate add evil.example. 1 A 192.0.2.66\n\\"});
  facts.host_alias = {check::AliasFact::Kind::kAlias, {"x\nupdate add evil.example. 1 A 192.0.2.66"}};
  const NamePlan record = seen_record(facts);
  const NamePlan host = seen_host(facts);
  const std::string all = script(with(record, {txt_record("new")}, record.seen)) +
                          script(with(host, {{"A", "192.0.2.1"}}, host.seen)) +
                          zone_lines({facts.domain, {record, host}});
  EXPECT_THAT(all, Not(HasSubstr("\nupdate add evil")));
  EXPECT_THAT(all, AllOf(HasSubstr("\\010"), HasSubstr("\\\"")));
}

TEST(PublishRecords, ALongTextIsCutIntoStrings) {
  const std::string data = txt_record(std::string(600, 'x')).data;
  EXPECT_EQ(std::ranges::count(data, '"'), 6);
  EXPECT_EQ(data.find('"', 1), 256U);
}

}  // namespace
}  // namespace mtasts::publish
