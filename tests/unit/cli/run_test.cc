#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pwd.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <iostream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "adapters/cli/command.h"
#include "module/io/privileges.h"
#include "module/io/wall_clock.h"
#include "tests/unit/module/fake_log.h"
#include "tests/unit/module/scratch.h"
#include "tests/unit/secret_resolv_conf.h"

namespace mtasts::cli {
namespace {

using testing::AllOf;
using testing::AnyOf;
using testing::ContainsRegex;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

// The program on a store of its own; its resolver is a closed port.
class Program : public testing::Test {
 protected:
  Program() {
    std::filesystem::create_directory(store_);
    configure("[dns]\nresolvers = [\"127.0.0.1:1\"]\ntimeout_s = 1\n[engine]\non_dns_failure = \"defer\"\n");
  }

  void configure(const std::string& text) {
    std::ofstream(config_) << text << "[cache]\ndirectory = \"" << store_ << "\"\n";
  }
  void cache(const std::string& name, const std::string& mode, WallTime fetched = now()) {
    CacheEntry entry{*Domain::parse(name), {}, std::nullopt, std::nullopt};
    entry.record = {RecordMemory::State::kFound, now() + std::chrono::hours(1), "20260101", ""};
    const std::string body = "version: STSv1\nmode: " + mode + "\nmx: mx." + name + "\nmax_age: 86400\n";
    entry.policy = StoredPolicy{"20260101", fetched, body, *parse_policy(body)};
    entry.dane = DaneMemory{DaneState::kNone, now() + std::chrono::hours(1), "its MX records are not signed"};
    FakeLog log(log_);
    ASSERT_TRUE(FileStore(store_, log).put(entry));
  }
  int run(std::vector<std::string> words) {
    out_.str("");
    err_.str("");
    words.insert(words.begin(), {"--config", config_});
    return cli::run(words, {out_, err_, colour_, [this](const std::string& user) { return become(user); },
                            [this] { return std::make_unique<FakeLog>(log_); }, nullptr, 80, progress_});
  }
  Result<void> become(const std::string& user) {
    became_.push_back(user);
    return {};
  }

  Scratch scratch_;
  std::string store_ = scratch_.path() + "/store";
  std::string config_ = scratch_.path() + "/mtasts.toml";
  std::shared_ptr<Lines> log_ = std::make_shared<Lines>();
  std::ostringstream out_;
  std::ostringstream err_;
  bool colour_ = false;
  bool progress_ = false;
  std::vector<std::string> became_;
};

// Root could read it all the same; the users that make the lookups cannot.
TEST_F(Program, ConfigSaysWhoCannotReadTheFile) {
  const auto config = [this] {
    err_.str("");
    return cli::run(std::vector<std::string>{"--config", config_, "config"},
                    {out_, err_, false, become_user, [this] { return std::make_unique<FakeLog>(log_); }});
  };
  configure("[engine]\nuser = \"nobody\"\n");
  ::chmod(scratch_.path().c_str(), 0755);
  EXPECT_EQ(config(), kApplies) << err_.str();
  ::chmod(config_.c_str(), ::geteuid() == 0 ? 0600 : 0);
  EXPECT_EQ(config(), kConfiguration);
  EXPECT_THAT(err_.str(), AllOf(HasSubstr("cannot be read by user "), HasSubstr("uid "), HasSubstr("chmod 0644")));
  if (::geteuid() == 0) {
    EXPECT_THAT(err_.str(), HasSubstr("user nobody (uid "));
  }
}

TEST_F(Program, ConfigSaysWhoCannotReadResolvConf) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can be told what others cannot read";
  configure("[engine]\nuser = \"nobody\"\n");
  ::chmod(scratch_.path().c_str(), 0755);
  const pid_t process = ::fork();
  if (process == 0) {
    if (!test::enter_secret_resolv_conf(scratch_.path() + "/resolv.conf")) ::_exit(2);
    const int status = cli::run(std::vector<std::string>{"--config", config_, "config"},
                                {out_, err_, false, become_user, [this] { return std::make_unique<FakeLog>(log_); }});
    std::cerr << err_.str();
    const bool is_said = err_.str().find("/etc/resolv.conf cannot be read by uid ") != std::string::npos;
    ::_exit(status == kConfiguration && is_said ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(process, &status, 0), process);
  EXPECT_EQ(status, 0);
}

TEST_F(Program, QuerySaysWhatApplies) {
  cache("good.example", "enforce");
  EXPECT_EQ(run({"query", "Good.Example."}), kApplies);
  EXPECT_THAT(out_.str(), AllOf(StartsWith("good.example: enforce\n"), HasSubstr("mx        mx.good.example\n"),
                                HasSubstr("source    cache\n"), Not(HasSubstr("\x1b"))));
  EXPECT_THAT(err_.str(), IsEmpty());
}

TEST_F(Program, QueryTestingAppliesAndNoneDoesNot) {
  cache("watched.example", "testing");
  cache("left.example", "none");
  EXPECT_EQ(run({"query", "watched.example"}), kApplies);
  EXPECT_EQ(run({"query", "left.example"}), kNone);
  EXPECT_EQ(run({"query", "localhost"}), kNone);
  EXPECT_THAT(out_.str(), StartsWith("localhost: none\n"));
}

TEST_F(Program, QueryJsonHasTheKeysOfTheContractInItsOrder) {
  cache("good.example", "enforce", WallTime(std::chrono::floor<std::chrono::seconds>(now())));
  EXPECT_EQ(run({"query", "--json", "good.example"}), kApplies);
  const auto json = nlohmann::ordered_json::parse(out_.str());
  std::vector<std::string> keys;
  for (const auto& [key, value] : json.items()) keys.push_back(key);
  EXPECT_THAT(keys, testing::ElementsAre("domain", "mode", "mx", "max_age", "id", "fetched", "expires", "source",
                                         "dane", "reason", "temporary"));
  EXPECT_EQ(json["mode"], "enforce");
  EXPECT_EQ(json["mx"], nlohmann::ordered_json::array({"mx.good.example"}));
  EXPECT_EQ(json["max_age"], 86400);
  EXPECT_EQ(json["id"], "20260101");
  EXPECT_EQ(json["source"], "cache");
  EXPECT_EQ(json["dane"], "none");
  EXPECT_EQ(json["fetched"].get<std::string>().size(), std::string("2026-01-31T08:05:00Z").size());
}

TEST_F(Program, QueryJsonIsNullWhereThereIsNothing) {
  EXPECT_EQ(run({"query", "--json", "localhost"}), kNone);
  const auto json = nlohmann::ordered_json::parse(out_.str());
  EXPECT_EQ(json["mode"], "none");
  EXPECT_TRUE(json["mx"].empty());
  for (const char* key : {"max_age", "id", "fetched", "expires"}) EXPECT_TRUE(json[key].is_null()) << key;
}

TEST_F(Program, WhatCannotBeFoundOutIsTemporary) {
  EXPECT_EQ(run({"query", "--json", "unknown.example"}), kTemporary);
  EXPECT_TRUE(nlohmann::json::parse(out_.str())["mode"].is_null());
  EXPECT_EQ(run({"query", "unknown.example"}), kTemporary);
  EXPECT_THAT(out_.str(), StartsWith("unknown.example: unknown, could not be found out now\n"));
  EXPECT_EQ(run({"match", "unknown.example", "mx.unknown.example"}), kTemporary);
}

TEST_F(Program, WhatCannotBeFoundOutIsTemporaryAlsoWhereMailGoesOn) {
  configure("[dns]\nresolvers = [\"127.0.0.1:1\"]\ntimeout_s = 1\n[engine]\non_dns_failure = \"no-policy\"\n");
  EXPECT_EQ(run({"query", "--json", "unknown.example"}), kTemporary);
  EXPECT_EQ(nlohmann::json::parse(out_.str())["temporary"], true);
  EXPECT_EQ(run({"match", "unknown.example", "mx.unknown.example"}), kTemporary);
  EXPECT_THAT(err_.str(), HasSubstr("could not be found out now"));
  EXPECT_THAT(out_.str(), Not(HasSubstr("is allowed")));
}

TEST_F(Program, WhatCannotBeReadIsTemporary) {
  cache("good.example", "enforce");
  std::filesystem::path shard;
  for (const auto& item : std::filesystem::recursive_directory_iterator(store_))
    if (item.path().filename() == "good.example") shard = item.path().parent_path();
  std::filesystem::remove_all(shard);
  std::ofstream(shard) << "no folder";
  EXPECT_EQ(run({"query", "good.example"}), kTemporary);
  EXPECT_EQ(run({"match", "good.example", "mx.good.example"}), kTemporary);
  EXPECT_EQ(run({"cache", "show", "good.example"}), kTemporary);
}

// What can be read is shown, and that it is not all is said.
TEST_F(Program, WhatCannotBeListedIsTemporary) {
  cache("good.example", "enforce");
  std::filesystem::path shard;
  for (const auto& item : std::filesystem::recursive_directory_iterator(store_))
    if (item.path().filename() == "good.example") shard = item.path().parent_path();
  cache("other.example", "enforce");
  std::filesystem::remove_all(shard);
  std::ofstream(shard) << "no folder";
  const std::string why = "cannot list " + shard.string() + ": Not a directory\n";
  EXPECT_EQ(run({"cache", "list"}), kTemporary);
  EXPECT_THAT(out_.str(), StartsWith("other.example  enforce"));
  EXPECT_EQ(err_.str(), "mtasts: this is not all: " + why);
  EXPECT_EQ(run({"cache", "purge", "--all"}), kTemporary);
  EXPECT_EQ(err_.str(), "mtasts: " + why);
}

TEST_F(Program, R24MatchTellsByItsExitCode) {
  cache("good.example", "enforce");
  EXPECT_EQ(run({"match", "good.example", "MX.good.example."}), kApplies);
  EXPECT_EQ(run({"match", "good.example", "impostor.example"}), kNone);
  EXPECT_THAT(out_.str(), HasSubstr("impostor.example is not allowed for good.example"));
  EXPECT_EQ(run({"match", "localhost", "any.example"}), kApplies);
}

TEST_F(Program, WordsThatAreNoNamesAreUsage) {
  for (const auto& words : std::vector<std::vector<std::string>>{{"query", "a..b"},
                                                                 {"query", ""},
                                                                 {"query"},
                                                                 {"query", "a.example", "b.example"},
                                                                 {"match", "a.example"},
                                                                 {"match", "localhost", "not a host"},
                                                                 {"cache"},
                                                                 {"cache", "show"},
                                                                 {"cache", "show", "localhost"},
                                                                 {"cache", "purge", "a..b"},
                                                                 {"cache", "purge"},
                                                                 {"cache", "purge", "a.example", "--all"},
                                                                 {"query", "joe@a.example"},
                                                                 {"frobnicate"},
                                                                 {"--frobnicate"},
                                                                 {}}) {
    EXPECT_EQ(run(words), kUsage) << testing::PrintToString(words);
    EXPECT_THAT(err_.str(), StartsWith("mtasts: ")) << testing::PrintToString(words);
    EXPECT_EQ(std::ranges::count(err_.str(), '\n'), 1) << err_.str();
    EXPECT_THAT(out_.str(), IsEmpty());
  }
}

TEST_F(Program, HelpAndVersionNeedNothing) {
  EXPECT_EQ(run({"--version"}), 0);
  EXPECT_EQ(out_.str(), "mtasts " MTASTS_VERSION "\n");
  for (const auto& words : std::vector<std::vector<std::string>>{{"--help"},
                                                                 {"query", "--help"},
                                                                 {"match", "--help"},
                                                                 {"config", "--help"},
                                                                 {"cache", "--help"},
                                                                 {"cache", "list", "--help"},
                                                                 {"cache", "show", "--help"},
                                                                 {"cache", "refresh", "--help"},
                                                                 {"cache", "purge", "--help"}}) {
    EXPECT_EQ(run(words), 0);
    EXPECT_THAT(out_.str(), HasSubstr("Example: mtasts ")) << testing::PrintToString(words);
  }
  EXPECT_THAT(became_, IsEmpty());
}

TEST_F(Program, ConfigTellsWhereEachValueCameFrom) {
  configure("[dns]\ntimeout_s = 7\n");
  EXPECT_EQ(run({"config"}), 0);
  EXPECT_THAT(out_.str(), AllOf(HasSubstr("dns.timeout_s = 7  # " + config_ + ":2\n"),
                                HasSubstr("fetch.timeout_s = 60  # default\n")));
  EXPECT_THAT(became_, IsEmpty());
}

TEST_F(Program, ConfigTellsWhereNothingIsEnforced) {
  configure("[opensmtpd]\nobserve = true\n");
  EXPECT_EQ(run({"config"}), 0);
  EXPECT_THAT(out_.str(), AllOf(HasSubstr("opensmtpd.observe = true  # " + config_ + ":2\n"),
                                HasSubstr("# OpenSMTPD: observing only: nothing is enforced; ")));
}

TEST_F(Program, ABrokenConfigurationIsOneSentence) {
  configure("[dns]\ntimeout_s = \"long\"\n");
  for (const std::vector<std::string>& words :
       {std::vector<std::string>{"config"}, {"query", "a.example"}, {"cache", "list"}}) {
    EXPECT_EQ(run(words), kConfiguration);
    EXPECT_THAT(err_.str(), HasSubstr("mtasts.toml:2: dns.timeout_s must be"));
  }
}

// Exim asks by the module as root in a router, and as its own user in an ACL.
TEST_F(Program, ConfigSaysThatEximsUserCannotReadTheFile) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can be told what others cannot read";
  const std::string exim = scratch_.path() + "/etc/exim4/exim4.conf";
  const auto config = [&](const std::string& host) {
    err_.str("");
    std::filesystem::create_directories(std::filesystem::path(exim).parent_path());
    std::ofstream(exim) << host;
    return show_config(config_, {false, scratch_.path(), {"no-such-user", "nobody"}},
                       {out_, err_, false, become_user, [this] { return std::make_unique<FakeLog>(log_); }});
  };
  const passwd* lookups = ::getpwnam("daemon");
  ASSERT_NE(lookups, nullptr);
  configure("[engine]\nuser = \"daemon\"\n");
  ::chmod(scratch_.path().c_str(), 0755);
  ASSERT_EQ(::chown(config_.c_str(), 0, lookups->pw_gid), 0);
  ::chmod(config_.c_str(), 0640);
  EXPECT_EQ(config("x = ${readsocket{/run/mtasts/exim.sock}{route x\\n}}\n"), kApplies) << err_.str();
  EXPECT_EQ(config("x = ${dlfunc{MTASTS_SO}{mta_sts_route}{x}}\n"), kConfiguration);
  EXPECT_THAT(err_.str(), HasSubstr("cannot be read by user nobody"));
  ::chmod(config_.c_str(), 0644);
  EXPECT_EQ(config("x = ${dlfunc{MTASTS_SO}{mta_sts_route}{x}}\n"), kApplies) << err_.str();
}

// It may load the module.
TEST_F(Program, ConfigLooksAsEximsUserWhereEximsConfigurationCannotBeRead) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can be told what others cannot read";
  const std::string exim = scratch_.path() + "/etc/exim4/exim4.conf";
  std::filesystem::create_directories(std::filesystem::path(exim).parent_path());
  std::filesystem::create_symlink("exim4.conf", exim);
  const passwd* lookups = ::getpwnam("daemon");
  ASSERT_NE(lookups, nullptr);
  configure("[engine]\nuser = \"daemon\"\n");
  ::chmod(scratch_.path().c_str(), 0755);
  ASSERT_EQ(::chown(config_.c_str(), 0, lookups->pw_gid), 0);
  ::chmod(config_.c_str(), 0640);
  EXPECT_EQ(show_config(config_, {false, scratch_.path(), {"nobody"}},
                        {out_, err_, false, become_user, [this] { return std::make_unique<FakeLog>(log_); }}),
            kConfiguration);
  EXPECT_THAT(err_.str(), HasSubstr("cannot be read by user nobody"));
}

// Nobody looked: that is not "nothing is wrong".
TEST_F(Program, ConfigSaysThatItCouldNotLookAsAnotherUser) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can be told what others cannot read";
  const auto config = [this](const std::function<Result<void>(const std::string&)>& as_user) {
    err_.str("");
    return show_config(config_, {false, scratch_.path(), {}},
                       {out_, err_, false, as_user, [this] { return std::make_unique<FakeLog>(log_); }});
  };
  configure("[engine]\nuser = \"nobody\"\n");
  ::chmod(scratch_.path().c_str(), 0755);
  const std::string said = "whether user nobody can read the configuration is not known: ";
  EXPECT_EQ(config(become_user), kApplies) << err_.str();
  EXPECT_EQ(config([](const std::string&) -> Result<void> { ::_exit(0); }), kTemporary) << "the process died";
  EXPECT_THAT(err_.str(), HasSubstr(said + "the process of that user ended"));
  rlimit before{};
  ::getrlimit(RLIMIT_NOFILE, &before);
  const int next = ::dup(STDERR_FILENO);
  ::close(next);
  const rlimit one_more{static_cast<rlim_t>(next) + 1, before.rlim_max};  // enough for a file, not for a pipe
  ::setrlimit(RLIMIT_NOFILE, &one_more);
  const int status = config(become_user);
  ::setrlimit(RLIMIT_NOFILE, &before);
  EXPECT_EQ(status, kTemporary);
  EXPECT_THAT(err_.str(), HasSubstr(said + "there is no pipe"));
}

TEST_F(Program, BecomesTheUserOfTheConfigurationFirst) {
  configure("[engine]\nuser = \"postmaster\"\n");
  EXPECT_EQ(run({"cache", "list"}), 0);
  EXPECT_THAT(became_, testing::ElementsAre("postmaster"));
}

TEST_F(Program, CacheListShowsEveryDomainInOrder) {
  cache("b.example", "testing");
  cache("a.example", "enforce");
  cache("expired.example", "enforce", now() - std::chrono::hours(48));
  EXPECT_EQ(run({"cache", "list"}), 0);
  EXPECT_THAT(out_.str(), StartsWith("a.example  enforce  until "));
  EXPECT_THAT(out_.str(), AllOf(HasSubstr("\nb.example  testing  until "), HasSubstr("\nexpired.example  none  ")));
}

TEST_F(Program, CacheJsonIsOneObjectALine) {
  cache("b.example", "testing");
  cache("a.example", "enforce");
  cache("expired.example", "enforce", now() - std::chrono::hours(48));
  EXPECT_EQ(run({"cache", "list", "--json"}), 0);
  std::istringstream lines(out_.str());
  std::vector<nlohmann::json> objects;
  for (std::string line; std::getline(lines, line);) objects.push_back(nlohmann::json::parse(line));
  ASSERT_EQ(objects.size(), 3U);
  EXPECT_EQ(objects[0]["domain"], "a.example");
  EXPECT_EQ(objects[0]["mode"], "enforce");
  EXPECT_EQ(objects[0]["max_age"], 86400);
  EXPECT_EQ(objects[0]["record"]["state"], "found");
  EXPECT_EQ(objects[0]["dane"]["state"], "none");
  EXPECT_EQ(objects[2]["mode"], "none");
  EXPECT_TRUE(objects[2]["expires"].is_null());
  EXPECT_EQ(run({"cache", "show", "a.example", "--json"}), 0);
  EXPECT_EQ(nlohmann::json::parse(out_.str()), objects[0]);
}

TEST_F(Program, MatchJsonTellsTheSame) {
  cache("good.example", "enforce");
  EXPECT_EQ(run({"match", "--json", "good.example", "mx.good.example"}), kApplies);
  EXPECT_EQ(nlohmann::json::parse(out_.str())["allowed"], true);
  EXPECT_EQ(run({"match", "--json", "good.example", "impostor.example"}), kNone);
  EXPECT_EQ(nlohmann::json::parse(out_.str())["allowed"], false);
  EXPECT_EQ(run({"match", "--json", "unknown.example", "mx.example"}), kTemporary);
  EXPECT_TRUE(nlohmann::json::parse(out_.str())["allowed"].is_null());
}

TEST_F(Program, ConfigJsonHasTheSameSettings) {
  configure("[dns]\ntimeout_s = 7\n");
  EXPECT_EQ(run({"config", "--json"}), 0);
  bool found = false;
  const auto json = nlohmann::json::parse(out_.str());
  for (const auto& setting : json["settings"]) {
    if (setting["key"] != "dns.timeout_s") continue;
    found = true;
    EXPECT_EQ(setting["value"], "7");
    EXPECT_EQ(setting["origin"], config_ + ":2");
  }
  EXPECT_TRUE(found);
}

TEST_F(Program, TimesAreToldForPeople) {
  cache("good.example", "enforce");
  EXPECT_EQ(run({"query", "good.example"}), kApplies);
  EXPECT_THAT(out_.str(), AllOf(HasSubstr("max_age   86400 s (24 hours)\n"), HasSubstr("Z (in 2"),
                                AnyOf(HasSubstr("Z (now)"), ContainsRegex("Z \\([0-9]+ seconds? ago\\)"))));
}

TEST_F(Program, SaysWhatWasMeantInPlaceOfADomain) {
  for (const std::vector<std::string>& words : {std::vector<std::string>{"query", "joe@partner.example"},
                                                {"cache", "show", "https://partner.example/path"},
                                                {"match", "*.partner.example", "mx.example"},
                                                {"cache", "purge", "joe@partner.example"}}) {
    EXPECT_EQ(run(words), kUsage);
    EXPECT_THAT(err_.str(), HasSubstr("only the domain is meant: partner.example\n")) << testing::PrintToString(words);
  }
}

TEST_F(Program, CacheListLeavesOutDomainsWithoutARecord) {
  CacheEntry entry{*Domain::parse("plain.example"), {}, std::nullopt, std::nullopt};
  entry.record = {RecordMemory::State::kAbsent, now() + std::chrono::hours(1), "", ""};
  FakeLog log(log_);
  ASSERT_TRUE(FileStore(store_, log).put(entry));
  EXPECT_EQ(run({"cache", "list"}), 0);
  EXPECT_THAT(out_.str(), IsEmpty());
  EXPECT_EQ(run({"cache", "show", "plain.example"}), 0);
  EXPECT_THAT(out_.str(), HasSubstr("record    none (cached until "));
}

TEST_F(Program, CacheShowTellsEverything) {
  cache("a.example", "enforce");
  EXPECT_EQ(run({"cache", "show", "a.example"}), 0);
  EXPECT_THAT(out_.str(), AllOf(HasSubstr("record    id 20260101"), HasSubstr("in force until"),
                                HasSubstr("mode: enforce\n"), HasSubstr("mx: mx.a.example\n")));
  EXPECT_EQ(run({"cache", "show", "b.example"}), kNone);
  EXPECT_EQ(err_.str(), "mtasts: nothing is cached of b.example\n");
}

TEST_F(Program, CachePurgeForgetsOneOrAll) {
  for (const char* name : {"a.example", "b.example", "c.example"}) cache(name, "enforce");
  EXPECT_EQ(run({"cache", "purge", "a.example"}), 0);
  EXPECT_EQ(out_.str(), "removed 1 domain\n");
  EXPECT_EQ(run({"cache", "purge", "a.example"}), kNone);
  EXPECT_EQ(run({"cache", "purge"}), kUsage);
  EXPECT_THAT(err_.str(), HasSubstr("--all"));
  EXPECT_EQ(run({"cache", "purge", "--all"}), 0);
  EXPECT_EQ(out_.str(), "removed 2 domains\n");
  EXPECT_EQ(run({"cache", "list"}), 0);
  EXPECT_THAT(out_.str(), IsEmpty());
}

// With the helper: tests/e2e and tests/unit/module/engine/sweep_test.cc.
TEST_F(Program, CacheRefreshWithoutTheHelperIsASentence) {
  cache("a.example", "enforce");
  EXPECT_EQ(run({"cache", "refresh"}), kTemporary);
  EXPECT_THAT(err_.str(), AllOf(StartsWith("mtasts: cannot start "), HasSubstr("install mtasts completely")));
}

TEST_F(Program, WaitingShowsProgressOnATerminalOnly) {
  const std::string erase = "\r\x1b[K";
  EXPECT_EQ(run({"query", "unknown.example"}), kTemporary);
  EXPECT_THAT(err_.str(), IsEmpty());
  progress_ = true;
  EXPECT_EQ(run({"query", "unknown.example"}), kTemporary);
  EXPECT_EQ(err_.str(), erase + "looking up unknown.example" + erase);
  EXPECT_EQ(run({"match", "unknown.example", "mx.unknown.example"}), kTemporary);
  EXPECT_THAT(err_.str(), StartsWith(erase + "looking up unknown.example" + erase + "mtasts: whether "));
  EXPECT_EQ(run({"cache", "refresh", "unknown.example"}), kTemporary);
  EXPECT_THAT(err_.str(), StartsWith(erase + "looking up unknown.example" + erase + "mtasts: "));
  EXPECT_EQ(run({"cache", "refresh"}), kTemporary);
  EXPECT_THAT(err_.str(), StartsWith(erase + "looking through the store" + erase + "mtasts: "));
  const std::string domain = std::string(60, 'x') + "." + std::string(60, 'x');
  EXPECT_EQ(run({"query", domain}), kTemporary);
  EXPECT_EQ(err_.str().size(), 2 * erase.size() + 79) << "a line of the terminal, which is erased";
}

TEST_F(Program, AStoreThatCannotBeListedIsASentence) {
  std::filesystem::remove_all(store_);
  EXPECT_EQ(run({"cache", "refresh"}), kTemporary);
  EXPECT_THAT(err_.str(), HasSubstr("cannot list "));
  EXPECT_EQ(run({"cache", "list"}), kTemporary);
  EXPECT_THAT(err_.str(), StartsWith("mtasts: "));
}

TEST_F(Program, AnAnswerThatCannotBeWrittenIsNoSuccess) {
  cache("a.example", "enforce");
  out_.setstate(std::ios::badbit);  // a full disk
  EXPECT_EQ(run({"query", "a.example"}), kTemporary);
  EXPECT_THAT(err_.str(), HasSubstr("cannot be written"));
}

TEST_F(Program, ColoursOnlyWhereTheyAreWanted) {
  cache("a.example", "enforce");
  colour_ = true;
  EXPECT_EQ(run({"query", "a.example"}), 0);
  EXPECT_THAT(out_.str(), StartsWith("a.example: \x1b[32menforce\x1b[0m\n"));
  EXPECT_EQ(run({"query", "--json", "a.example"}), 0);
  EXPECT_THAT(out_.str(), Not(HasSubstr("\x1b")));
}

}  // namespace
}  // namespace mtasts::cli
