// Whole runs, on folders of their own, with what an audit would see.
#include "adapters/cli/publish/publish.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "adapters/cli/check/record_id.h"
#include "module/io/descriptor.h"
#include "tests/unit/module/scratch.h"
#include "tests/unit/publish/internet.h"
#include "tests/unit/publish/runs.h"

namespace mtasts::publish {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

TEST_F(PublishRun, APlanWritesNothing) {
  EXPECT_EQ(run(), kPending);
  EXPECT_THAT(out_.str(),
              AllOf(HasSubstr("example.com: testing"), HasSubstr("write the policy file"), HasSubstr("--apply")));
  EXPECT_FALSE(std::filesystem::exists(root_));
  EXPECT_FALSE(std::filesystem::exists(options_.state));
  EXPECT_FALSE(std::filesystem::exists(options_.out));
}

TEST_F(PublishRun, WritesTheExactBytesForAnyWebServerToRead) {
  ::umask(077);
  EXPECT_EQ(run_apply(), kDone) << err_.str();
  ::umask(022);
  EXPECT_EQ(internet_.read(internet_.file("example.com")),
            "version: STSv1\r\nmode: testing\r\nmx: mx1.example.com\r\nmax_age: 86400\r\n");
  struct stat found {};
  ASSERT_EQ(::stat(internet_.file("example.com").c_str(), &found), 0);
  EXPECT_EQ(found.st_mode & 07777U, 0644U);
  ASSERT_EQ(::stat((root_ + "/mta-sts.example.com/.well-known").c_str(), &found), 0);
  EXPECT_EQ(found.st_mode & 07777U, 0755U);
}

TEST_F(PublishRun, TheRecordFollowsTheVerifiedFileInTheSameRun) {
  ASSERT_EQ(run_apply(), kDone) << err_.str();
  const std::string id = state_of("example.com").id;
  EXPECT_TRUE(check::is_id_of(id, *internet_.read(internet_.file("example.com"))));
  EXPECT_THAT(zone("example.com"), HasSubstr("_mta-sts.example.com. 3600 IN TXT \"v=STSv1; id=" + id + ";\""));
  EXPECT_THAT(script("example.com"), AllOf(HasSubstr("prereq nxrrset _mta-sts.example.com. TXT"),
                                           HasSubstr("update add _mta-sts.example.com. 3600 TXT"), HasSubstr("send")));
}

TEST_F(PublishRun, TheRecordWaitsWhileAnAddressServesSomethingElse) {
  internet_["example.com"].body = "<html>";
  ASSERT_EQ(run_apply(), kDone) << err_.str();
  EXPECT_THAT(zone("example.com"), AllOf(Not(HasSubstr("TXT \"v=STSv1")), HasSubstr("; _mta-sts.example.com follows")));
  EXPECT_THAT(script("example.com"), Not(HasSubstr("_mta-sts.example.com. 3600 TXT")));
  EXPECT_THAT(out_.str(), HasSubstr("serve the policy file"));
}

TEST_F(PublishRun, ASecondRunHasNothingToDo) {
  publish_all();
  EXPECT_EQ(run(), kDone) << out_.str();
  EXPECT_THAT(out_.str(), HasSubstr("Nothing to do."));
  const auto before = state_of("example.com");
  now_ += std::chrono::hours(5);
  EXPECT_EQ(run_apply(), kDone);
  EXPECT_EQ(state_of("example.com"), before);
}

TEST_F(PublishRun, APlanSaysWhatIsStillMissingInDns) {
  ASSERT_EQ(run_apply(), kDone);
  EXPECT_EQ(run(), kPending);
  EXPECT_THAT(out_.str(), HasSubstr("publish _mta-sts.example.com. TXT"));
}

TEST_F(PublishRun, AFileEditedByHandIsPutRight) {
  publish_all();
  std::ofstream(internet_.file("example.com")) << "mode: enforce";
  EXPECT_EQ(run(), kPending);
  EXPECT_THAT(out_.str(), HasSubstr("put right the policy file"));
  EXPECT_EQ(run_apply(), kDone);
  EXPECT_EQ(internet_.read(internet_.file("example.com")), state_of("example.com").body);
}

TEST_F(PublishRun, GoesTheWholeWayToTheAim) {
  publish_all();
  options_.promote = "example.com";
  EXPECT_EQ(run_apply(), kRefused);
  EXPECT_THAT(err_.str(), AllOf(HasSubstr("Wait until 2026-01-15T00:00:00Z"), HasSubstr("--force")));
  EXPECT_THAT(out_.str(), Not(HasSubstr("Nothing to do")));
  now_ += std::chrono::days(14);
  EXPECT_EQ(run(), kPending);
  EXPECT_EQ(run_apply(), kDone) << err_.str();
  EXPECT_EQ(internet_.read(internet_.file("example.com")),
            "version: STSv1\r\nmode: enforce\r\nmx: mx1.example.com\r\nmax_age: 604800\r\n");
  EXPECT_EQ(json_domain().at("stage"), "enforce-short");
  EXPECT_EQ(run_apply(), kRefused) << "its record is not there yet";
  publish_record();
  options_.promote.clear();
  ASSERT_EQ(run_apply(), kDone);
  options_.promote = "example.com";
  now_ += std::chrono::days(7);
  EXPECT_EQ(run_apply(), kDone) << err_.str();
  EXPECT_EQ(state_of("example.com").stage, Stage::kEnforce);
  EXPECT_THAT(*internet_.read(internet_.file("example.com")), HasSubstr("max_age: 2592000\r\n"));
}

TEST_F(PublishRun, ABadDomainChangesNothingForAny) {
  write_list(list_ + "[[domain]]\nname = \"https://example.org/\"\nmx = [\"mx.example.org\"]\n");
  EXPECT_EQ(run_apply(), kBadList);
  EXPECT_THAT(err_.str(),
              AllOf(HasSubstr("domains.toml:7"), HasSubstr("domain.name"), HasSubstr("did you mean \"example.org\"?")));
  EXPECT_FALSE(std::filesystem::exists(root_));
}

TEST_F(PublishRun, ARefusedDomainKeepsNoOtherFromBeingPublished) {
  write_list(list_ + "[[domain]]\nname = \"example.org\"\nmx = \"auto\"\n");
  internet_["example.org"].mx = {"a.example.org", "b.example.org"};
  EXPECT_EQ(run(), kPending);
  EXPECT_THAT(out_.str(), HasSubstr(R"(mx = ["a.example.org", "b.example.org"])"));
  EXPECT_EQ(run_apply(), kRefused);
  EXPECT_THAT(out_.str(), HasSubstr(R"(mx = ["a.example.org", "b.example.org"])"));
  EXPECT_FALSE(std::filesystem::exists(internet_.file("example.org")));
  EXPECT_TRUE(std::filesystem::exists(internet_.file("example.com")));
}

TEST_F(PublishRun, WithoutDnsNothingIsDecided) {
  internet_["example.com"].has_dns = false;
  EXPECT_EQ(run(), kTryAgain);
  EXPECT_EQ(run_apply(), kTryAgain);
  EXPECT_FALSE(std::filesystem::exists(internet_.file("example.com")));
  EXPECT_THAT(err_.str(), AllOf(HasSubstr("DNS gave no answer"), HasSubstr("try again")));
}

TEST_F(PublishRun, APolicyHostThatDoesNotAnswerIsAskedAgain) {
  internet_["example.com"].is_connected = false;
  EXPECT_EQ(run_apply(), kTryAgain);
  EXPECT_TRUE(std::filesystem::exists(internet_.file("example.com")));
  EXPECT_THAT(zone("example.com"), Not(HasSubstr("TXT \"v=STSv1")));
}

TEST_F(PublishRun, AStateInUseIsLeftAlone) {
  publish_all();
  const Descriptor lock(::open((options_.state + "/lock").c_str(), O_RDWR));
  ASSERT_EQ(::flock(lock.get(), LOCK_EX | LOCK_NB), 0);
  EXPECT_EQ(run_apply(), kTryAgain);
  EXPECT_EQ(run(), kTryAgain);
  EXPECT_THAT(err_.str(), HasSubstr("in use"));
}

TEST_F(PublishRun, TheStateIsLockedAsLongAsARunLasts) {
  publish_all();
  int refused = 0;
  int how = LOCK_SH;
  const Observe observe = [&](const std::vector<Domain>& names) {
    const Descriptor lock(::open((options_.state + "/lock").c_str(), O_RDWR));
    refused += ::flock(lock.get(), how | LOCK_NB) != 0 ? 1 : 0;
    return internet_.observe(names);
  };
  write_list(list_ + "max_age = 86400\nmode = \"testing\"\n");
  std::filesystem::remove(internet_.file("example.com"));
  options_.apply = true;
  EXPECT_EQ(publish(options_, observe, now_, {out_, err_}), kDone) << err_.str();
  EXPECT_EQ(refused, 2) << "before something is written and after it";
  options_.apply = false;
  how = LOCK_EX;
  EXPECT_EQ(publish(options_, observe, now_, {out_, err_}), kDone) << err_.str();
  EXPECT_EQ(refused, 2) << "a plan keeps nobody from anything";
}

TEST_F(PublishRun, AStateThatCannotBeUsedIsNamedAndChangesNothing) {
  publish_all();
  const std::string good = *internet_.read(options_.state + "/state");
  for (const std::string& bad : {std::string(), good.substr(0, good.size() / 2), good.substr(0, good.size() - 1),
                                 "mtasts-publish 2\n" + good.substr(good.find('\n') + 1), std::string("{}")}) {
    std::ofstream(options_.state + "/state") << bad;
    EXPECT_EQ(run_apply(), kNoState);
    EXPECT_THAT(err_.str(), HasSubstr(options_.state));
    EXPECT_TRUE(std::filesystem::exists(internet_.file("example.com")));
  }
}

TEST_F(PublishRun, AnEmptyStateBesideATreeThatEnforcesIsRefused) {
  publish_all();
  options_.promote = "example.com";
  options_.force = true;
  ASSERT_EQ(run_apply(), kDone) << err_.str();
  options_.promote.clear();
  options_.force = false;
  publish_record();
  std::filesystem::remove_all(options_.state);
  const auto before = internet_.read(internet_.file("example.com"));
  EXPECT_EQ(run_apply(), kRefused);
  EXPECT_THAT(err_.str(), HasSubstr("--adopt"));
  EXPECT_EQ(internet_.read(internet_.file("example.com")), before);
  options_.adopt = true;
  EXPECT_EQ(run_apply(), kDone) << err_.str();
  EXPECT_EQ(internet_.read(internet_.file("example.com")), before);
  EXPECT_EQ(state_of("example.com").stage, Stage::kEnforceShort);
  EXPECT_THAT(internet_["example.com"].txt.front(), HasSubstr(state_of("example.com").id)) << "the record stays";
}

TEST_F(PublishRun, ADomainGoneFromTheListIsServedOnAndNamed) {
  write_list(list_ + "[[domain]]\nname = \"example.org\"\nmx = [\"mx1.example.com\"]\n");
  ASSERT_EQ(run_apply(), kDone);
  write_list(list_);
  std::filesystem::remove(internet_.file("example.org"));
  ASSERT_EQ(run_apply(), kDone);
  EXPECT_THAT(out_.str(), HasSubstr("example.org: testing"));
  EXPECT_THAT(out_.str(), HasSubstr("not in the list"));
  EXPECT_TRUE(std::filesystem::exists(internet_.file("example.org")));
  EXPECT_THAT(*internet_.read(options_.out + "/nginx.conf"), HasSubstr("mta-sts.example.org"));
}

TEST_F(PublishRun, LeavesInTheOrderThatNoSenderIsCaughtBy) {
  publish_all();
  options_.leave = "example.com";
  EXPECT_EQ(run(), kPending);
  ASSERT_EQ(run_apply(), kDone) << err_.str();
  EXPECT_EQ(internet_.read(internet_.file("example.com")), "version: STSv1\r\nmode: none\r\nmax_age: 86400\r\n");
  publish_record();
  EXPECT_EQ(run_apply(), kRefused);
  EXPECT_THAT(err_.str(), AllOf(HasSubstr("2026-01-02T00:00:00Z"), HasSubstr("--force")));
  now_ += std::chrono::days(1);
  ASSERT_EQ(run_apply(), kDone) << err_.str();
  EXPECT_THAT(script("example.com"), HasSubstr("update delete _mta-sts.example.com. TXT"));
  EXPECT_TRUE(std::filesystem::exists(internet_.file("example.com"))) << "host and file in a later run";
  EXPECT_THAT(script("example.com"), Not(HasSubstr("update delete mta-sts.example.com.")));
  internet_["example.com"].txt.clear();
  internet_["example.com"].tlsrpt.clear();
  ASSERT_EQ(run_apply(), kDone) << err_.str();
  EXPECT_FALSE(std::filesystem::exists(root_ + "/mta-sts.example.com"));
  EXPECT_THAT(script("example.com"), HasSubstr("update delete mta-sts.example.com. A 192.0.2.1"));
  internet_["example.com"].addresses.clear();
  EXPECT_EQ(run(), kDone);
  EXPECT_THAT(out_.str(), HasSubstr("example.com: gone, nothing to do"));
  EXPECT_THAT(*internet_.read(options_.out + "/nginx.conf"), Not(HasSubstr("mta-sts.example.com")));
}

TEST_F(PublishRun, JsonHasTheFixedShape) {
  options_.json = true;
  EXPECT_EQ(run(), kPending);
  const auto json = nlohmann::json::parse(out_.str());
  const auto& first = json.at("domains").at(0);
  EXPECT_EQ(first.at("name"), "example.com");
  EXPECT_EQ(first.at("stage"), "testing");
  EXPECT_EQ(first.at("id").get<std::string>().size(), 31U);
  EXPECT_FALSE(first.at("actions").empty());
  EXPECT_TRUE(first.at("waits_until").is_null());
  EXPECT_TRUE(first.at("refused").is_null());
  options_.json = false;
  publish_all();
  EXPECT_EQ(json_domain().at("waits_until"), "2026-01-15T00:00:00Z");
}

TEST_F(PublishRun, VerifyTellsCleanFromCriticalFromUnknown) {
  publish_all();
  options_.verify = true;
  EXPECT_EQ(run(), kDone) << err_.str();
  internet_["example.com"].findings = {{"mx-unreachable", check::Severity::kUnknown, "mx1", "no SMTP"}};
  EXPECT_EQ(run(), kTryAgain);
  internet_["example.com"].findings.push_back(
      {"host-redirect", check::Severity::kCritical, "192.0.2.1", "It redirects."});
  EXPECT_EQ(run(), kRefused);
  EXPECT_THAT(err_.str(), HasSubstr("host-redirect 192.0.2.1: It redirects."));
  internet_["example.com"].findings.clear();
  internet_["example.com"].txt.clear();
  EXPECT_EQ(run(), kRefused) << "the record was there";
}

TEST_F(PublishRun, ADomainThatIsNotListedIsAUsageError) {
  options_.promote = "example.org";
  EXPECT_EQ(run(), kBadUsage);
  options_.promote = "not a name";
  EXPECT_EQ(run(), kBadUsage);
}

TEST_F(PublishRun, AnAliasGoesWithItsDomain) {
  write_list(list_ + "aliases = [\"example.net\"]\n");
  for (std::string Options::*step : {&Options::promote, &Options::leave}) {
    options_.promote.clear();
    options_.*step = "example.net";
    EXPECT_EQ(run_apply(), kBadUsage);
    EXPECT_THAT(err_.str(), HasSubstr("name example.com"));
  }
}

TEST_F(PublishRun, ForceAloneIsAUsageError) {
  options_.force = true;
  EXPECT_EQ(run_apply(), kBadUsage);
  EXPECT_FALSE(std::filesystem::exists(root_));
}

TEST_F(PublishRun, AWebTreeWithinTheStateIsAUsageError) {
  for (const std::string& root : {options_.state, options_.state + "/www", options_.state + "/../state//www/"}) {
    options_.root = root;
    EXPECT_EQ(run_apply(), kBadUsage) << root;
    EXPECT_FALSE(std::filesystem::exists(options_.state)) << "nobody but root could read it";
  }
  options_.root = options_.state + "-www";
  EXPECT_EQ(run(), kPending);
}

TEST_F(PublishRun, AReadOnlyTreeIsNamed) {
  publish_all();
  std::filesystem::remove_all(root_);
  std::ofstream{root_} << "a file where the directory should be";
  EXPECT_EQ(run_apply(), kNoState);
  EXPECT_THAT(err_.str(), HasSubstr(root_));
}

TEST_F(PublishRun, RootWritesNowhereThatSomebodyElseCanWrite) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root";
  for (const std::string& path : {root_, options_.state, options_.out}) {
    std::filesystem::create_directories(path);
    ASSERT_EQ(::chmod(path.c_str(), 0777), 0);
    EXPECT_EQ(run_apply(), kRefused) << path;
    EXPECT_THAT(err_.str(), AllOf(HasSubstr(path), HasSubstr("chmod go-w")));
    EXPECT_FALSE(std::filesystem::exists(internet_.file("example.com"))) << "nothing half-done";
    ASSERT_EQ(::chmod(path.c_str(), 0775), 0);
    EXPECT_EQ(run_apply(), kRefused) << path << " for its group";
    ASSERT_EQ(::chmod(path.c_str(), 0755), 0);
    ASSERT_EQ(::chown(path.c_str(), 1, 1), 0);
    EXPECT_EQ(run_apply(), kRefused) << path;
    ASSERT_EQ(::chown(path.c_str(), 0, 0), 0);
  }
  EXPECT_EQ(run_apply(), kDone) << err_.str();
}

TEST_F(PublishRun, RootFollowsNoSymbolicLinkOfOthers) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root";
  std::filesystem::create_directories(scratch_.path() + "/elsewhere");
  std::filesystem::create_directories(root_);
  std::filesystem::create_directory_symlink(scratch_.path() + "/elsewhere", root_ + "/mta-sts.example.com");
  EXPECT_EQ(run_apply(), kNoState);
  EXPECT_THAT(err_.str(), HasSubstr("mta-sts.example.com is a symbolic link"));
  EXPECT_TRUE(std::filesystem::is_empty(scratch_.path() + "/elsewhere"));
}

TEST_F(PublishRun, RootGoesThroughNoSymbolicLinkOfOthersToItsFolders) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root";
  const std::string elsewhere = scratch_.path() + "/elsewhere";
  const std::string shared = scratch_.path() + "/shared";
  const std::string link = shared + "/link";
  for (const std::string& path : {elsewhere, shared}) std::filesystem::create_directories(path);
  ASSERT_EQ(::chmod(shared.c_str(), 01777), 0);
  std::filesystem::create_directory_symlink(elsewhere, link);
  const Options good = options_;
  for (std::string Options::*folder : {&Options::root, &Options::state, &Options::out}) {
    options_ = good;
    options_.*folder = link;
    ASSERT_EQ(::lchown(link.c_str(), 1, 1), 0);
    EXPECT_EQ(run_apply(), kRefused);
    EXPECT_THAT(err_.str(), AllOf(HasSubstr(link), HasSubstr("name the directory itself")));
    EXPECT_TRUE(std::filesystem::is_empty(elsewhere));
  }
  ASSERT_EQ(::lchown(link.c_str(), 0, 0), 0);
  EXPECT_EQ(run_apply(), kDone) << "root's own link: " << err_.str();
}

TEST_F(PublishRun, AnAliasIsDelegatedAndFollowsTheFile) {
  write_list(list_ + "aliases = [\"example.net\"]\n");
  Seen& alias = internet_["example.net"];
  alias.addresses.clear();
  ASSERT_EQ(run_apply(), kDone) << err_.str();
  EXPECT_THAT(script("example.net"),
              AllOf(HasSubstr("update add mta-sts.example.net. 3600 CNAME mta-sts.example.com."),
                    HasSubstr("update add _smtp._tls.example.net. 3600 CNAME _smtp._tls.example.com."),
                    Not(HasSubstr("_mta-sts.example.net. 3600"))));
  EXPECT_THAT(*internet_.read(options_.out + "/nginx.conf"),
              HasSubstr("server_name mta-sts.example.com mta-sts.example.net;"));
  EXPECT_FALSE(std::filesystem::exists(internet_.file("example.net")));
  alias.host_alias = "mta-sts.example.com";
  alias.addresses = {"192.0.2.1"};
  publish_record();
  ASSERT_EQ(run_apply(), kDone);
  EXPECT_THAT(script("example.net"), HasSubstr("update add _mta-sts.example.net. 3600 CNAME _mta-sts.example.com."));
  alias.record_alias = "_mta-sts.example.com";
  alias.txt = internet_["example.com"].txt;
  alias.tlsrpt = internet_["example.com"].tlsrpt;
  EXPECT_EQ(run(), kDone) << out_.str();
}

TEST_F(PublishRun, AHundredDomainsAreOneRun) {
  std::string list = "[defaults]\nmx = [\"mx1.example.com\"]\n";
  for (int i = 0; i < 100; ++i) list += "[[domain]]\nname = \"d" + std::to_string(i) + ".example\"\n";
  write_list(list);
  ASSERT_EQ(run_apply(), kDone) << err_.str();
  EXPECT_TRUE(std::filesystem::exists(internet_.file("d99.example")));
  for (const auto& [name, known] : state()) internet_[name].txt = {"v=STSv1; id=" + known.id + ";"};
  EXPECT_EQ(run(), kDone);
}

}  // namespace
}  // namespace mtasts::publish
