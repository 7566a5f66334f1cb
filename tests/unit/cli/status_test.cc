#include "adapters/cli/status/status.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>

#include "adapters/cli/setup/state.h"
#include "tests/unit/cli/status_fixture.h"

namespace mtasts::cli {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

const WallTime kNow{std::chrono::sys_days{std::chrono::year{2026} / 1 / 31}};

TEST_F(StatusTest, IsOkWhereNothingIsWrong) {
  cache("a.example", "enforce", now());
  cache("b.example", "testing", now());
  cache("c.example", "enforce", now() - 48h);
  refresh();
  EXPECT_EQ(run(false), kStatusOk) << out_.str();
  EXPECT_THAT(out_.str(),
              AllOf(HasSubstr("status      ok\n"), HasSubstr("validates DNSSEC"), HasSubstr("3 domains"),
                    HasSubstr("1 enforce, 1 testing, 0 none; 1 expired"), HasSubstr("no mail server is configured")));
}

TEST_F(StatusTest, JsonHasAllOfIt) {
  cache("a.example", "enforce", now(), true);
  refresh();
  file("/etc/postfix/main.cf", "smtp_tls_policy_maps = hash:/x, socketmap:unix:mtasts/socketmap.sock:postfix\n");
  EXPECT_EQ(run(true), kStatusCritical);
  const auto json = nlohmann::ordered_json::parse(out_.str());
  std::vector<std::string> keys;
  for (const auto& [key, value] : json.items()) keys.push_back(key);
  EXPECT_THAT(keys, ElementsAre("schema", "status", "problems", "daemon", "resolver", "store", "failing", "hosts",
                                "deliveries", "observing", "table_store"));
  EXPECT_EQ(json["status"], "critical");
  EXPECT_EQ(json["daemon"]["answers"], false);
  EXPECT_EQ(json["resolver"]["answers"], true);
  EXPECT_EQ(json["resolver"]["validates"], true);
  EXPECT_EQ(json["store"]["policies"]["enforce"], 1);
  EXPECT_TRUE(json["store"]["last_refresh"].is_string());
  EXPECT_EQ(json["failing"][0]["domain"], "a.example");
  EXPECT_EQ(json["failing"][0]["error"], "sts-webpki-invalid");
  EXPECT_EQ(json["hosts"][0]["asks"], "socketmap:unix:mtasts/socketmap.sock:postfix");
}

TEST_F(StatusTest, ADaemonThatIsAskedAndSilentIsCritical) {
  EXPECT_EQ(run(false), kStatusOk) << "nobody asks it";
  file("/etc/mail/sendmail.cf", "V10/Berkeley\nKsts socket -d30 -T<TMPF> inet:1@127.0.0.1\n");
  EXPECT_EQ(run(false), kStatusCritical);
  EXPECT_THAT(out_.str(), HasSubstr("critical: sendmail asks mtastsd, which does not answer"));
}

TEST_F(StatusTest, AStoreThatCannotBeReadIsCritical) {
  std::filesystem::remove_all(store_);
  EXPECT_EQ(run(false), kStatusCritical);
}

TEST_F(StatusTest, AUserThatDoesNotExistIsCriticalAndTheRestIsShown) {
  const auto code = show_status(
      config_, {false, root_, data_, [this] { return resolver_; }},
      {out_, err_, false,
       [](const std::string&) -> Result<void> { return fail(ErrorCode::kLocalFault, "create the system user"); },
       [this] { return std::make_unique<FakeLog>(log_); }});
  EXPECT_EQ(code, kStatusCritical);
  EXPECT_THAT(out_.str(), AllOf(HasSubstr("critical: create the system user\n"), HasSubstr("validates DNSSEC")));
}

TEST_F(StatusTest, AConfigurationThatCannotBeUsedIsCritical) {
  std::ofstream(config_) << "[cache]\nrefresh_s = \"never\"\n";
  EXPECT_EQ(run(false), kStatusCritical);
  EXPECT_THAT(err_.str(), HasSubstr("mtasts.toml:2: "));
}

TEST_F(StatusTest, PoliciesThatNobodyRefreshesAreAWarning) {
  cache("a.example", "enforce", now());
  EXPECT_EQ(run(false), kStatusWarning);
  EXPECT_THAT(out_.str(), HasSubstr("have never been refreshed; run mtasts cache refresh"));
}

TEST(StatusJudge, ARoundIsOverdueAfterThreeHours) {
  Status status;
  status.store.policies[Mode::kTesting] = 1;
  status.store.last_round = kNow - 3h;
  EXPECT_THAT(judge(status, kNow), IsEmpty());
  status.store.last_round = kNow - 3h - 1s;
  ASSERT_EQ(judge(status, kNow).size(), 1U);
  EXPECT_FALSE(judge(status, kNow)[0].is_critical);
}

TEST(StatusJudge, APolicyThatFailsIsCriticalOnItsLastDay) {
  Status status;
  status.store.failing.push_back({"a.example", {ErrorCode::kPolicyFetch, "why"}, kNow, kNow + 25h});
  ASSERT_EQ(judge(status, kNow).size(), 1U);
  EXPECT_FALSE(judge(status, kNow)[0].is_critical);
  status.store.failing[0].in_force_until = kNow + 23h;
  EXPECT_TRUE(judge(status, kNow)[0].is_critical);
  status.store.failing[0].in_force_until = std::nullopt;
  EXPECT_THAT(judge(status, kNow), IsEmpty()) << "there is no policy that could expire";
}

// As "mtasts setup exim --apply" leaves it; an upgrade brings another text.
TEST_F(StatusTest, WhatSetupOfAnotherVersionAddedToEximIsAWarning) {
  const std::string part = "/etc/exim4/conf.d/main/05_mtasts";
  std::filesystem::create_directories(data_ + "/exim/conf.d/main");
  const auto ship = [this](const std::string& text) { std::ofstream(data_ + "/exim/conf.d/main/05_mtasts") << text; };
  ship("one\n");
  file(part, "one\n");
  ASSERT_TRUE(setup::save_state(root_, "exim", {"exim", {{part, std::nullopt, "one\n", ""}}, {}, true}));
  EXPECT_EQ(run(false), kStatusOk) << out_.str();
  ship("two\n");
  EXPECT_EQ(run(false), kStatusWarning);
  EXPECT_THAT(out_.str(), AllOf(HasSubstr("warning: "), HasSubstr("mtasts setup exim --apply\n")));
  file(part, "two\n");
  EXPECT_EQ(run(false), kStatusOk) << "replaced by hand";
}

TEST_F(StatusTest, WhatHappenedToDeliveriesIsShown) {
  const DeliveryEventFile events(store_);
  events.add({kDeferred, "postfix", "a.test"}, now() - 2h);
  events.add({kDeferred, "postfix", "a.test"}, now() - 1min);
  events.add({kEnforceFailure, "exim", "b.test"}, now() - 1min);
  events.add({kTestingFailure, "exim", "c.test"}, now() - 1min);
  events.add({kObservedFailure, "postfix", "d.test"}, now() - 1min);
  events.add({kObservedDefer, "postfix", "d.test"}, now() - 1min);
  events.add({kObservedFailure, "postfix", "e.test"}, now() - 25h);
  events.add({kDeferred, "postfix", "a.test"}, now() + 1h);  // the clock was ahead
  EXPECT_EQ(run(false), kStatusOk);
  EXPECT_THAT(
      out_.str(),
      AllOf(HasSubstr("deferrals   2 (exim 1, postfix 1) in the last hour, 3 (exim 1, postfix 2) in the last day\n"),
            HasSubstr(
                "observed    postfix, last day: 1 would have waited, 1 MX hosts would have been refused; d.test 2\n")));
  EXPECT_THAT(out_.str(), testing::Not(HasSubstr("without those of Exim")));
  file("/var/lib/exim4/config.autogenerated", "x = ${dlfunc{/usr/lib/mtasts.so}{mta_sts_route}{$domain}}\n");
  EXPECT_EQ(run(false), kStatusOk);
  EXPECT_THAT(out_.str(), HasSubstr("without those of Exim's function, which are in the mail log\n"));
  run(true);
  const auto json = nlohmann::ordered_json::parse(out_.str());
  EXPECT_EQ(json["deliveries"]["last_hour"]["postfix"]["deferrals"], 1);
  EXPECT_EQ(json["deliveries"]["last_day"]["postfix"]["observed-failure"], 1);
  EXPECT_EQ(json["deliveries"]["last_day"]["postfix"]["observed_domains"]["d.test"], 2);
}

TEST_F(StatusTest, AResolvConfThatCannotBeReadIsNotAnEmptyOne) {
  file("/etc/resolv.conf", "nameserver 127.0.0.1\n");
  EXPECT_EQ(run(false), kStatusOk) << out_.str();
  unreadable(root_ + "/etc/resolv.conf");
  EXPECT_EQ(run(false), kStatusWarning);
  EXPECT_THAT(out_.str(), AllOf(HasSubstr("warning: whether the resolver validates DNSSEC is not known: "),
                                HasSubstr("resolver    not known: " + root_ + "/etc/resolv.conf cannot be read ("),
                                testing::Not(HasSubstr("named in mtasts.toml"))));
  run(true);
  const auto json = nlohmann::ordered_json::parse(out_.str());
  EXPECT_TRUE(json["resolver"]["validates"].is_null());
  EXPECT_THAT(json["resolver"]["reason"].get<std::string>(), HasSubstr("/etc/resolv.conf cannot be read"));
  std::ofstream(config_, std::ios::app) << "[dns]\nresolvers = [\"127.0.0.1:1\"]\n";
  run(false);
  EXPECT_THAT(out_.str(), testing::Not(HasSubstr("/etc/resolv.conf"))) << "nobody needs the file";
}

TEST_F(StatusTest, AResolverThatDoesNotAnswerIsCritical) {
  resolver_ = setup::ResolverState::kSilent;
  EXPECT_EQ(run(false), kStatusCritical);
  EXPECT_THAT(out_.str(), AllOf(HasSubstr("critical: no resolver of /etc/resolv.conf answers"),
                                HasSubstr("resolver    does not answer\n")));
  run(true);
  auto json = nlohmann::ordered_json::parse(out_.str());
  EXPECT_EQ(json["resolver"]["answers"], false);
  EXPECT_TRUE(json["resolver"]["validates"].is_null());
  resolver_ = setup::ResolverState::kAnswers;
  EXPECT_EQ(run(true), kStatusOk) << out_.str();
  json = nlohmann::ordered_json::parse(out_.str());
  EXPECT_EQ(json["resolver"]["answers"], true);
  EXPECT_EQ(json["resolver"]["validates"], false);
}

// Only where smtpd asks: what an earlier set-up has left is nobody's business.
TEST_F(StatusTest, TheStoreOfTableMtastsIsLookedAtToo) {
  const std::string other = scratch_.path() + "/opensmtpd";
  std::filesystem::create_directory(other);
  std::ofstream(config_, std::ios::app) << "[opensmtpd]\ndirectory = \"" << other << "\"\n";
  cache_in(other, "late.example", "enforce", now() - 23h, true);
  EXPECT_EQ(run(true), kStatusOk) << out_.str();
  EXPECT_TRUE(nlohmann::ordered_json::parse(out_.str())["table_store"].is_null());
  file("/etc/smtpd.conf", "table sts mtasts:/etc/mtasts/mtasts.toml\n");
  EXPECT_EQ(run(false), kStatusCritical);
  EXPECT_THAT(
      out_.str(),
      AllOf(HasSubstr("critical: the policy of late.example cannot be refreshed and expires"),
            HasSubstr("policies in " + other + " have never been refreshed; table-mtasts does it every hour"),
            HasSubstr("store       " + store_ + ": 0 domains"), HasSubstr("store       " + other + ": 1 domain,"),
            HasSubstr("failing     late.example: sts-webpki-invalid")));
  run(true);
  const auto table = nlohmann::ordered_json::parse(out_.str())["table_store"];
  EXPECT_EQ(table["directory"], other);
  EXPECT_EQ(table["policies"]["enforce"], 1);
  EXPECT_EQ(table["failing"][0]["domain"], "late.example");
  EXPECT_EQ(table["failing"][0]["detail"], "the certificate has expired");
  EXPECT_TRUE(table["failing"][0]["in_force_until"].is_string());
  std::filesystem::remove_all(other);
  EXPECT_EQ(run(false), kStatusCritical);
  EXPECT_THAT(out_.str(),
              HasSubstr("critical: what table-mtasts has cached is not known: " + other + ": No such file"));
}

TEST_F(StatusTest, AStoreOfTableMtastsThatThisUserMayNotSeeIsAWarning) {
  Status status;
  status.table_store.emplace();
  status.table_store->unseen = "/var/lib/mtasts-opensmtpd: Permission denied";
  const auto problems = judge(status, now());
  ASSERT_EQ(problems.size(), 1U);
  EXPECT_FALSE(problems[0].is_critical);
  EXPECT_THAT(problems[0].text,
              HasSubstr("what table-mtasts has cached is not known: /var/lib/mtasts-opensmtpd: Perm"));
  EXPECT_THAT(status_text(status, now(), false), HasSubstr("store       not known: /var/lib/mtasts-opensmtpd: Perm"));
}

TEST_F(StatusTest, WhatAnotherUsersProcessTellsIsNotBelievedBlindly) {
  StoreStatus status;
  status.fault = "half of it";
  status.domains = 7;
  status.last_round = from_epoch(1'700'000'000);
  status.failing.push_back({"a.example", {ErrorCode::kDnsTimeout, "why"}, from_epoch(5), std::nullopt});
  const StoreStatus back = store_from_wire("/x", store_to_wire(status));
  EXPECT_EQ(back.directory, "/x");
  EXPECT_EQ(back.fault, "half of it");
  EXPECT_EQ(back.domains, 7U);
  EXPECT_EQ(back.last_round, status.last_round);
  EXPECT_EQ(back.failing.at(0).error.code, ErrorCode::kDnsTimeout);
  EXPECT_EQ(back.failing.at(0).in_force_until, std::nullopt);
  status.fault = "\x1b[31m";
  status.last_round = from_epoch(std::numeric_limits<std::int64_t>::max());
  const StoreStatus hostile = store_from_wire("/x", store_to_wire(status));
  EXPECT_EQ(hostile.fault, "\\x1b[31m");
  EXPECT_LT(hostile.last_round->time_since_epoch().count(), 2'000'000'000'000);
  for (const char* text : {"", "[]", "{}", "{\"domains\": []}", "{\"fault\": 1}", "nonsense"})
    EXPECT_THAT(store_from_wire("/x", text).fault, HasSubstr("what is in /x is not known")) << text;
}

// mtastsd's and table-mtasts' stores have a file each.
TEST_F(StatusTest, EventsThatCannotBeReadAreAWarning) {
  const std::string other = scratch_.path() + "/opensmtpd";
  std::filesystem::create_directory(other);
  std::ofstream(config_, std::ios::app) << "[opensmtpd]\ndirectory = \"" << other << "\"\n";
  EXPECT_EQ(run(false), kStatusOk) << out_.str();
  unreadable(store_ + "/.events");
  EXPECT_EQ(run(false), kStatusWarning);
  EXPECT_THAT(out_.str(), AllOf(HasSubstr("warning: deferrals are not all counted: "),
                                HasSubstr("not all: the events in " + store_ + " cannot be read\n")));
  unreadable(other + "/.events.old");
  EXPECT_EQ(run(false), kStatusWarning);
  const std::string both = "the events in " + store_ + " cannot be read, the events in " + other + " cannot be read";
  EXPECT_THAT(out_.str(), HasSubstr("warning: deferrals are not all counted: " + both + "; "));
  run(true);
  EXPECT_EQ(nlohmann::ordered_json::parse(out_.str())["deliveries"]["reason"], both);
  std::filesystem::remove(store_ + "/.events");
  EXPECT_EQ(run(false), kStatusWarning) << "one is enough";
}

TEST_F(StatusTest, ThatNothingIsEnforcedIsAWarning) {
  std::ofstream(config_, std::ios::app) << "[exim]\nobserve = true\n";
  EXPECT_EQ(run(false), kStatusWarning);
  EXPECT_THAT(out_.str(), HasSubstr("warning: Exim: observing only: nothing is enforced"));
  run(true);
  EXPECT_EQ(nlohmann::ordered_json::parse(out_.str())["observing"], nlohmann::ordered_json::array({"exim"}));
}

}  // namespace
}  // namespace mtasts::cli
