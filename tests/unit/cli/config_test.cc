// `mtasts config`, and what a configuration that is broken makes of the other subcommands.
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

#include "module/io/privileges.h"
#include "tests/unit/cli/program.h"
#include "tests/unit/secret_resolv_conf.h"

namespace mtasts::cli {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;

class ConfigProgram : public Program {
 protected:
  // The configuration, which names that user for lookups.
  void let_only_lookups_read() {
    const passwd* lookups = ::getpwnam("daemon");
    ASSERT_NE(lookups, nullptr);
    configure("[engine]\nuser = \"daemon\"\n");
    ::chmod(scratch_.path().c_str(), 0755);
    ASSERT_EQ(::chown(config_.c_str(), 0, lookups->pw_gid), 0);
    ::chmod(config_.c_str(), 0640);
  }
};

// Root could read it all the same; the users that make the lookups cannot.
TEST_F(ConfigProgram, ConfigSaysWhoCannotReadTheFile) {
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

TEST_F(ConfigProgram, ConfigSaysWhoCannotReadResolvConf) {
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

TEST_F(ConfigProgram, ConfigTellsWhereEachValueCameFrom) {
  configure("[dns]\ntimeout_s = 7\n");
  EXPECT_EQ(run({"config"}), 0);
  EXPECT_THAT(out_.str(), AllOf(HasSubstr("dns.timeout_s = 7  # " + config_ + ":2\n"),
                                HasSubstr("fetch.timeout_s = 60  # default\n")));
  EXPECT_THAT(became_, IsEmpty());
}

TEST_F(ConfigProgram, ConfigTellsWhereNothingIsEnforced) {
  configure("[opensmtpd]\nobserve = true\n");
  EXPECT_EQ(run({"config"}), 0);
  EXPECT_THAT(out_.str(), AllOf(HasSubstr("opensmtpd.observe = true  # " + config_ + ":2\n"),
                                HasSubstr("# OpenSMTPD: observing only: nothing is enforced; ")));
}

TEST_F(ConfigProgram, ABrokenConfigurationIsOneSentence) {
  configure("[dns]\ntimeout_s = \"long\"\n");
  for (const std::vector<std::string>& words :
       {std::vector<std::string>{"config"}, {"query", "a.example"}, {"cache", "list"}}) {
    EXPECT_EQ(run(words), kConfiguration);
    EXPECT_THAT(err_.str(), HasSubstr("mtasts.toml:2: dns.timeout_s must be"));
  }
}

// Exim asks by the module as root in a router, and as its own user in an ACL.
TEST_F(ConfigProgram, ConfigSaysThatEximsUserCannotReadTheFile) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can be told what others cannot read";
  const std::string exim = scratch_.path() + "/etc/exim4/exim4.conf";
  const auto config = [&](const std::string& host) {
    err_.str("");
    std::filesystem::create_directories(std::filesystem::path(exim).parent_path());
    std::ofstream(exim) << host;
    return show_config(config_, {false, scratch_.path(), {"no-such-user", "nobody"}},
                       {out_, err_, false, become_user, [this] { return std::make_unique<FakeLog>(log_); }});
  };
  let_only_lookups_read();
  EXPECT_EQ(config("x = ${readsocket{/run/mtasts/exim.sock}{route x\\n}}\n"), kApplies) << err_.str();
  EXPECT_EQ(config("x = ${dlfunc{MTASTS_SO}{mta_sts_route}{x}}\n"), kConfiguration);
  EXPECT_THAT(err_.str(), HasSubstr("cannot be read by user nobody"));
  ::chmod(config_.c_str(), 0644);
  EXPECT_EQ(config("x = ${dlfunc{MTASTS_SO}{mta_sts_route}{x}}\n"), kApplies) << err_.str();
}

// It may load the module.
TEST_F(ConfigProgram, ConfigLooksAsEximsUserWhereEximsConfigurationCannotBeRead) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can be told what others cannot read";
  const std::string exim = scratch_.path() + "/etc/exim4/exim4.conf";
  std::filesystem::create_directories(std::filesystem::path(exim).parent_path());
  std::filesystem::create_symlink("exim4.conf", exim);
  let_only_lookups_read();
  EXPECT_EQ(show_config(config_, {false, scratch_.path(), {"nobody"}},
                        {out_, err_, false, become_user, [this] { return std::make_unique<FakeLog>(log_); }}),
            kConfiguration);
  EXPECT_THAT(err_.str(), HasSubstr("cannot be read by user nobody"));
}

// Nobody looked: that is not "nothing is wrong".
TEST_F(ConfigProgram, ConfigSaysThatItCouldNotLookAsAnotherUser) {
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

TEST_F(ConfigProgram, ConfigJsonHasTheSameSettings) {
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

}  // namespace
}  // namespace mtasts::cli
