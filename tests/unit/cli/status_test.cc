#include "adapters/cli/status/status.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>
#include <sstream>

#include "adapters/cli/setup/state.h"
#include "module/io/netstring.h"
#include "module/io/wall_clock.h"
#include "module/store/clock_watch.h"
#include "tests/unit/cli/one_answer.h"
#include "tests/unit/module/fake_log.h"
#include "tests/unit/module/scratch.h"

namespace mtasts::cli {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

const WallTime kNow{std::chrono::sys_days{std::chrono::year{2026} / 1 / 31}};

class StatusTest : public testing::Test {
 protected:
  StatusTest() {
    std::filesystem::create_directory(store_);
    std::ofstream(config_) << "[socketmap]\nlisten = [\"unix:" << scratch_.path()
                           << "/socket\"]\n[cache]\ndirectory = \"" << store_ << "\"\n";
  }
  void file(const std::string& path, const std::string& text) {
    std::filesystem::create_directories(std::filesystem::path(root_ + path).parent_path());
    std::ofstream(root_ + path) << text;
  }
  // There, and not to be read by anybody: for root, too.
  void unreadable(const std::string& path) {
    std::filesystem::create_directories(std::filesystem::path(path).parent_path());
    std::filesystem::remove_all(path);
    std::filesystem::create_symlink(std::filesystem::path(path).filename(), path);
  }
  void cache(const std::string& name, const std::string& mode, WallTime fetched, bool is_failing = false) {
    cache_in(store_, name, mode, fetched, is_failing);
  }
  void cache_in(const std::string& store, const std::string& name, const std::string& mode, WallTime fetched,
                bool is_failing) {
    CacheEntry entry{*Domain::parse(name), {}, std::nullopt, std::nullopt};
    entry.record = {RecordMemory::State::kFound, now() + 1h, "20260101", ""};
    const std::string body = "version: STSv1\nmode: " + mode + "\nmx: mx." + name + "\nmax_age: 86400\n";
    entry.policy = StoredPolicy{"20260101", fetched, body, *parse_policy(body)};
    if (is_failing)
      entry.failure = FetchFailure{"2", 1, 1, now() + 1h, {ErrorCode::kWebPkiInvalid, "the certificate has expired"}};
    FakeLog log(log_);
    ASSERT_TRUE(FileStore(store, log).put(entry));
  }
  // The hourly refresh has just run.
  void refresh() { static_cast<void>(ClockWatch(store_).is_steady(now())); }
  int run(bool json) {
    out_.str("");
    err_.str("");
    return show_status(config_, {json, root_, data_, [this] { return resolver_; }},
                       {out_, err_, false, [](const std::string&) { return Result<void>(); },
                        [this] { return std::make_unique<FakeLog>(log_); }});
  }

  Scratch scratch_;
  std::string root_ = scratch_.path() + "/root";
  std::string data_ = scratch_.path() + "/data";
  std::string store_ = scratch_.path() + "/store";
  std::string config_ = scratch_.path() + "/mtasts.toml";
  setup::ResolverState resolver_ = setup::ResolverState::kValidates;
  std::shared_ptr<Lines> log_ = std::make_shared<Lines>();
  std::ostringstream out_;
  std::ostringstream err_;
};

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

TEST_F(StatusTest, SeesWhatEachHostAsks) {
  file("/etc/postfix/main.cf", "smtp_tls_policy_maps =\n  socketmap:inet:127.0.0.1:8461:postfix\n");
  file("/var/lib/exim4/config.autogenerated",
       "# mta_sts_route\nx = ${dlfunc{/usr/lib/mtasts.so}{mta_sts_route}{$domain}}\n");
  file("/etc/smtpd.conf", "# table x mtasts:no\ntable sts mtasts:/etc/mtasts/mtasts.toml\n");
  file("/etc/mail/sendmail.cf", "# nothing\n");
  const auto hosts = look_at_hosts(root_);
  ASSERT_EQ(hosts.size(), 4U);
  EXPECT_EQ(hosts[0].asks, "mtasts.so (dlfunc)");
  EXPECT_EQ(hosts[1].asks, "table sts mtasts:/etc/mtasts/mtasts.toml");
  EXPECT_EQ(hosts[2].asks, "socketmap:inet:127.0.0.1:8461:postfix");
  EXPECT_TRUE(hosts[2].needs_daemon);
  EXPECT_EQ(hosts[3].asks, "");
  file("/var/lib/exim4/config.autogenerated", "# mta_sts_route\n");
  EXPECT_EQ(look_at_hosts(root_)[0].asks, "");
}

// The examples as an administrator has them, by where Exim reads them.
const std::vector<std::pair<std::string, std::vector<std::string>>> kEximBySocket = {
    {"/var/lib/exim4/config.autogenerated", {"conf.d/main/05_mtasts", "conf.d/router/150_mtasts"}},
    {"/var/lib/exim4/config.autogenerated", {"conf.d/main/05_mtasts", "smarthost/conf.d/router/150_mtasts_smarthost"}},
    {"/etc/exim4/exim4.conf", {"exim4.conf"}}};

std::string examples(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) {
    std::ifstream file(MTASTS_SOURCE_DIR "/conf-examples/exim-socket/" + name);
    text += std::string(std::istreambuf_iterator<char>(file), {});
  }
  return text;
}

TEST_F(StatusTest, TheExamplesForEximAskMtastsd) {
  for (const auto& [path, names] : kEximBySocket) {
    std::filesystem::remove_all(root_);
    file("/var/lib/exim4/config.autogenerated", "# Debian's, which a file of the administrator's replaces\n");
    file(path, examples(names));
    const auto hosts = look_at_hosts(root_);
    ASSERT_EQ(hosts.size(), 1U);
    EXPECT_EQ(hosts[0].asks, "mtastsd at /run/mtasts/exim.sock (readsocket)") << names.back();
    EXPECT_EQ(hosts[0].socket, "unix:/run/mtasts/exim.sock");
    EXPECT_TRUE(hosts[0].needs_daemon);
    EXPECT_FALSE(hosts[0].is_in_process);
  }
}

TEST_F(StatusTest, EximsOwnSettingOfTheSocketCounts) {
  const auto socket_with = [this](const std::string& before, const std::string& after) {
    file("/var/lib/exim4/config.autogenerated", before + examples({"conf.d/main/05_mtasts"}) + after);
    return look_at_hosts(root_)[0].socket;
  };
  EXPECT_EQ(socket_with("MTASTS_DAEMON = inet:192.0.2.1:8462\n", ""), "inet:192.0.2.1:8462");
  EXPECT_EQ(socket_with("MTASTS_DAEMON = inet:192.0.2.1:8462\n", "MTASTS_DAEMON == /run/x.sock\n"), "unix:/run/x.sock");
  EXPECT_EQ(socket_with("# MTASTS_DAEMON = /x\nMTASTS_DAEMONS = /y\n", ""), "unix:/run/mtasts/exim.sock");
  file("/var/lib/exim4/config.autogenerated", "MTASTS_DAEMON = /run/mtasts/exim.sock\n#x = ${readsocket{MTASTS_AT}}\n");
  EXPECT_EQ(look_at_hosts(root_)[0].asks, "") << "nothing uses it";
  file("/var/lib/exim4/config.autogenerated", "x = ${readsocket{/run/mtasts/exim.sock}{route x\\n}}\n");
  EXPECT_TRUE(look_at_hosts(root_)[0].needs_daemon);
}

// [exim] listen is empty, as it is where the socket is systemd's.
TEST_F(StatusTest, TheSocketThatEximAsksIsTried) {
  const std::string socket = scratch_.path() + "/exim.sock";
  file("/var/lib/exim4/config.autogenerated",
       "MTASTS_DAEMON = " + socket + "\n" + examples({"conf.d/main/05_mtasts", "conf.d/router/150_mtasts"}));
  EXPECT_EQ(run(false), kStatusCritical);
  EXPECT_THAT(out_.str(), AllOf(HasSubstr("critical: exim asks mtastsd, which does not answer"), HasSubstr(socket)));
  {
    OneAnswer server("unix:" + socket, {"DEFER MTA-STS: mtastsd is out of service: a mistake\n"});
    EXPECT_EQ(run(false), kStatusCritical);
    EXPECT_THAT(out_.str(), HasSubstr("out of service: a mistake"));
  }
  std::filesystem::remove(socket);
  OneAnswer server("unix:" + socket, {"OK mtasts 9.9.9\n"});
  EXPECT_EQ(run(false), kStatusOk) << "nobody asks the socket for maps\n" << out_.str();
  EXPECT_THAT(out_.str(), HasSubstr("version 9.9.9 answers at unix:" + socket));
}

struct Asks {
  std::string path;
  std::string line;
  std::string socket;
};

TEST_F(StatusTest, TheSocketIsTheOneThatTheHostsConfigurationNames) {
  const std::string main = "/etc/postfix/main.cf";
  const std::string sendmail = "/etc/mail/sendmail.cf";
  const std::string maps = "smtp_tls_policy_maps = ";
  const std::vector<Asks> all = {
      {main, maps + "socketmap:unix:mtasts/a.sock:postfix", "unix:/var/spool/postfix/mtasts/a.sock"},
      {main, "queue_directory = /q\n" + maps + "socketmap:unix:mtasts/a.sock:postfix-tlsrpt", "unix:/q/mtasts/a.sock"},
      {main, maps + "socketmap:unix:/run/mtasts/a.sock:postfix", "unix:/run/mtasts/a.sock"},
      {main, maps + "socketmap:inet:[::1]:8461:postfix", "inet:[::1]:8461"},
      {sendmail, "Ksts socket -d30 -T<TMPF> local:/run/mtasts-sendmail/a.sock", "unix:/run/mtasts-sendmail/a.sock"},
      {sendmail, "Ksts socket -T<TMPF> inet:8461@127.0.0.1 ", "inet:127.0.0.1:8461"}};
  for (const auto& [path, line, socket] : all) {
    std::filesystem::remove_all(root_);
    file(path, line + "\n");
    EXPECT_EQ(look_at_hosts(root_)[0].socket, socket) << line;
  }
}

TEST_F(StatusTest, PostfixInAChrootSeesPathsBelowItsQueueDirectory) {
  file("/etc/postfix/main.cf", "smtp_tls_policy_maps = socketmap:unix:/run/mtasts/a.sock:postfix\n");
  file("/etc/postfix/master.cf",
       "smtp inet n - y - - smtpd\n#smtp unix - - y - - smtp\nsmtp  unix  -  -  -  -  -  smtp\n");
  EXPECT_EQ(look_at_hosts(root_)[0].socket, "unix:/run/mtasts/a.sock");
  file("/etc/postfix/master.cf", "smtp      inet  n  -  n  -  -  smtpd\nsmtp\tunix  -  -  y  -  -  smtp\n");
  EXPECT_EQ(look_at_hosts(root_)[0].socket, "unix:/var/spool/postfix/run/mtasts/a.sock");
}

// Beside mtastsd.socket the addresses of mtasts.toml are nobody's.
TEST_F(StatusTest, ASocketThatNobodyAsksDoesNotCount) {
  const std::string listed = "unix:" + scratch_.path() + "/socket";
  file("/etc/postfix/main.cf",
       "queue_directory = " + scratch_.path() + "\nsmtp_tls_policy_maps = socketmap:unix:mtasts.sock:postfix\n");
  {
    OneAnswer server(listed, {encode_netstring("OK mtasts 9.9.9")});
    EXPECT_EQ(run(false), kStatusCritical);
    EXPECT_THAT(out_.str(), AllOf(HasSubstr("critical: postfix asks mtastsd, which does not answer"),
                                  HasSubstr(scratch_.path() + "/mtasts.sock")));
    EXPECT_EQ(ping_at(*parse_listen_address(listed), PingLanguage::kSocketmap, 1s).version, "9.9.9");
  }
  std::filesystem::remove(scratch_.path() + "/socket");
  OneAnswer server("unix:" + scratch_.path() + "/mtasts.sock", {encode_netstring("OK mtasts 9.9.9")});
  EXPECT_EQ(run(false), kStatusOk) << out_.str();
  EXPECT_THAT(out_.str(), HasSubstr("version 9.9.9 answers at unix:" + scratch_.path() + "/mtasts.sock"));
}

TEST_F(StatusTest, LocalhostIsTriedAndOtherNamesAreNot) {
  file("/etc/postfix/main.cf", "smtp_tls_policy_maps = socketmap:inet:localhost:1:mtasts\n");
  EXPECT_EQ(run(false), kStatusCritical);
  EXPECT_THAT(out_.str(), HasSubstr("inet:127.0.0.1:1"));
  file("/etc/postfix/main.cf", "smtp_tls_policy_maps = socketmap:inet:mtastsd.test:8461:postfix\n");
  EXPECT_EQ(run(false), kStatusOk) << out_.str();
}

TEST_F(StatusTest, EachHostIsToldOfItsOwnSocket) {
  const std::string socket = scratch_.path() + "/exim.sock";
  file("/var/lib/exim4/config.autogenerated", "MTASTS_DAEMON = " + socket + "\n" + examples({"conf.d/main/05_mtasts"}));
  file("/etc/postfix/main.cf", "smtp_tls_policy_maps = socketmap:unix:mtasts/socketmap.sock:postfix\n");
  OneAnswer server("unix:" + socket, {"OK mtasts 9.9.9\n"});
  EXPECT_EQ(run(false), kStatusCritical);
  EXPECT_THAT(out_.str(), AllOf(HasSubstr("critical: postfix asks mtastsd, which does not answer"),
                                testing::Not(HasSubstr("critical: exim"))));
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

struct Unread {
  std::string host;
  std::string path;
};

// Nothing says that mail does not wait for a daemon that is gone.
TEST_F(StatusTest, AConfigurationThatCannotBeReadIsNoHostWithoutMtasts) {
  for (const auto& [host, path] : std::vector<Unread>{{"exim", "/etc/exim4/exim4.conf"},
                                                      {"exim", "/var/lib/exim4/config.autogenerated"},
                                                      {"opensmtpd", "/etc/smtpd.conf"},
                                                      {"postfix", "/etc/postfix/main.cf"},
                                                      {"sendmail", "/etc/mail/sendmail.cf"}}) {
    std::filesystem::remove_all(root_);
    unreadable(root_ + path);
    file("/etc/exim4/exim4.conf.template", "# of a split configuration\n");  // never in force beside the files above
    if (host != "exim") std::filesystem::remove_all(root_ + "/etc/exim4");
    const std::string why = root_ + path + " cannot be read (Too many levels of symbolic links)";
    EXPECT_EQ(run(false), kStatusWarning) << path;
    EXPECT_THAT(out_.str(), AllOf(HasSubstr("warning: what " + host + " asks is not known: " + why + "; "),
                                  HasSubstr(" not known: " + why + "\n"), testing::Not(HasSubstr("does not ask"))));
    run(true);
    const auto json = nlohmann::ordered_json::parse(out_.str());
    ASSERT_EQ(json["hosts"].size(), 1U);
    EXPECT_TRUE(json["hosts"][0]["asks"].is_null());
    EXPECT_EQ(json["hosts"][0]["reason"], why);
  }
}

TEST_F(StatusTest, AFolderOrAFifoIsNoConfigurationWithoutMtasts) {
  std::filesystem::create_directories(root_ + "/etc/smtpd.conf");
  EXPECT_EQ(run(false), kStatusWarning);
  EXPECT_THAT(out_.str(), HasSubstr("smtpd.conf cannot be read (it is not a regular file)"));
  std::filesystem::remove_all(root_ + "/etc/smtpd.conf");
  ASSERT_EQ(::mkfifo((root_ + "/etc/smtpd.conf").c_str(), 0644), 0);
  EXPECT_EQ(run(false), kStatusWarning);
}

// A chroot changes which socket smtp(8) asks.
TEST_F(StatusTest, AMasterCfThatCannotBeReadIsAWarningWherePostfixAsks) {
  file("/etc/postfix/main.cf", "smtp_tls_policy_maps = hash:/etc/postfix/tls_policy\n");
  unreadable(root_ + "/etc/postfix/master.cf");
  EXPECT_EQ(run(false), kStatusOk) << "it asks nothing, whatever its root is\n" << out_.str();
  file("/etc/postfix/main.cf", "smtp_tls_policy_maps = socketmap:inet:mtastsd.test:8461:postfix\n");
  EXPECT_EQ(run(false), kStatusWarning);
  EXPECT_THAT(out_.str(), AllOf(HasSubstr("warning: what postfix asks is not known: "), HasSubstr("master.cf cannot")));
}

TEST_F(StatusTest, ALargeConfigurationIsReadToItsEnd) {
  const std::string comments(3 * 64 * 1024, '#');
  file("/etc/smtpd.conf", comments + "\ntable sts mtasts:/etc/mtasts/mtasts.toml\n");
  EXPECT_EQ(look_at_hosts(root_)[0].asks, "table sts mtasts:/etc/mtasts/mtasts.toml");
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
  std::ofstream(config_, std::ios::app) << "[dns]\nresolvers = [\"127.0.0.1\"]\n";
  EXPECT_EQ(run(false), kStatusOk) << "nobody needs the file\n" << out_.str();
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
