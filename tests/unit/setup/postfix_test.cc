// Setup of Postfix, on a root directory with its main.cf; Postfix itself and mtastsd are played, and no resolver is
// there.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "adapters/cli/setup/policy_maps.h"
#include "adapters/cli/setup/setup.h"
#include "tests/unit/module/scratch.h"

namespace mtasts::setup {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

constexpr const char* kMain = "/etc/postfix/main.cf";
constexpr const char* kAuthorities = "/etc/ssl/certs/ca-certificates.crt";
constexpr const char* kOwn = "myhostname = lab.test\nsmtp_tls_security_level = may\n";

class PostfixSetup : public testing::Test {
 protected:
  PostfixSetup() {
    for (const char* program : {"/usr/sbin/postconf", "/usr/sbin/postfix"}) {
      write(program, "");
      fs::permissions(root_ + program, fs::perms::owner_all);
    }
    write(kAuthorities, "");
    write(kMain, kOwn);
    write("/etc/resolv.conf", "nameserver 192.0.2.53\n");
  }

  void write(const std::string& path, const std::string& text) {
    fs::create_directories(fs::path(root_ + path).parent_path());
    std::ofstream(root_ + path) << text;
  }
  std::string read(const std::string& path) {
    std::ifstream file(root_ + path);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  static Result<ProgramOutput> play(const std::vector<std::string>& argv) {
    static const std::map<std::string, std::string> told = {{"mail_version", "3.10.1"},
                                                            {"config_directory", "/etc/postfix"},
                                                            {"queue_directory", "/var/spool/postfix"},
                                                            {"mail_owner", "root"},
                                                            {"smtp/unix/chroot", "smtp/unix/chroot = n"}};
    const auto found = told.find(argv.back());
    return ProgramOutput{0, found == told.end() ? std::string() : found->second + "\n", ""};
  }
  int run(Action action) {
    out_.str("");
    err_.str("");
    Wishes wishes;
    wishes.socket = "unix:/run/mtasts/socketmap.sock";
    const Machine machine(root_, [](const std::vector<std::string>& argv, const std::string&) { return play(argv); });
    return set_up(postfix_host(), action, machine, wishes, {out_, err_});
  }
  // What an earlier --apply has left when a validating resolver answered.
  std::string apply_with_resolver() {
    const MainCf own(kOwn);
    const PostfixFacts facts{3, 10, "socketmap:unix:/run/mtasts/socketmap.sock", kAuthorities, true};
    const std::string text = own.with(postfix_lines(own, facts, OtherMaps::kKept).settings);
    EXPECT_TRUE(save_state(root_, "postfix", {"postfix", {{kMain, kOwn, text, ""}}, {}, true}));
    write(kMain, text);
    return text;
  }

  Scratch scratch_;
  std::string root_ = scratch_.path();
  std::ostringstream out_;
  std::ostringstream err_;
};

TEST_F(PostfixSetup, AnApplyWhileTheResolverIsSilentKeepsDane) {
  const std::string text = apply_with_resolver();
  ASSERT_THAT(text, HasSubstr("smtp_tls_security_level = dane\n"));
  ASSERT_THAT(text, HasSubstr("smtp_dns_support_level = dnssec\n"));
  EXPECT_EQ(run(Action::kApply), kDone) << err_.str();
  EXPECT_EQ(read(kMain), text);
  EXPECT_THAT(out_.str(), HasSubstr("Nothing to do"));
  EXPECT_THAT(out_.str(), HasSubstr("DANE stays switched on"));
  ASSERT_EQ(run(Action::kUndo), kDone) << err_.str();
  EXPECT_EQ(read(kMain), kOwn);
}

TEST_F(PostfixSetup, AFirstApplyWithoutAResolverDoesNotSwitchDaneOn) {
  ASSERT_EQ(run(Action::kApply), kDone) << err_.str();
  EXPECT_THAT(read(kMain), testing::Not(HasSubstr("dane")));
  EXPECT_THAT(out_.str(), HasSubstr("DANE is not switched on"));
}

}  // namespace
}  // namespace mtasts::setup
