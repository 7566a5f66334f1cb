// Plan, change and way back, on a root directory of its own with a host of one or two files.
#include "adapters/cli/setup/setup.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "adapters/cli/setup/marks.h"
#include "tests/unit/module/scratch.h"

namespace mtasts::setup {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::Not;

constexpr const char* kConfig = "/etc/host/conf";
constexpr const char* kExtra = "/etc/host/extra";

class HostSetup : public testing::Test {
 protected:
  HostSetup() {
    fs::create_directories(root_ + "/etc/host");
    write(kConfig, "one\ntwo\n");
  }

  void write(const std::string& path, const std::string& text) { std::ofstream(root_ + path) << text; }
  std::string read(const std::string& path) {
    std::ifstream file(root_ + path);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  int run(Action action, bool replace = false) {
    out_.str("");
    err_.str("");
    Wishes wishes;
    wishes.replace = replace;
    return set_up(host(), action, Machine(root_), wishes, {out_, err_});
  }
  Host host() {
    return {"host", "Host",
            [this](const Look& look, const Wishes& wishes) {
              return plan(look, other_software_ && !wishes.replace ? "other software is there" : "");
            },
            [this](const Machine&, const Facts& facts) -> Result<void> {
              ++settled_;
              settled_by_ = facts;
              return {};
            }};
  }
  Result<Plan> plan(const Look& look, const std::string& refused) {
    const auto text = look.without_us(kConfig);
    if (!text) return tl::unexpected(text.error());
    Plan plan;
    plan.changes.push_back({kExtra, "ours\n", {}, {}, {}});
    plan.changes.push_back({kConfig, text->value_or("") + marked_block("#", "host", lines_), {}, try_out_, then_});
    plan.changes.back().still_works = still_works_;
    plan.facts = facts_;
    plan.refused = refused;
    return plan;
  }

  Scratch scratch_;
  std::string root_ = scratch_.path();
  std::string lines_ = "three\n";
  std::function<Result<void>(const std::string&)> try_out_;
  std::function<Result<void>()> then_;
  std::function<Result<void>()> still_works_;
  Facts facts_;
  bool other_software_ = false;
  int settled_ = 0;
  Facts settled_by_;
  std::ostringstream out_;
  std::ostringstream err_;
};

TEST_F(HostSetup, APlanChangesNothing) {
  EXPECT_EQ(run(Action::kPlan), kPending);
  EXPECT_THAT(out_.str(), HasSubstr("+ three"));
  EXPECT_EQ(read(kConfig), "one\ntwo\n");
  EXPECT_FALSE(fs::exists(root_ + kExtra));
  EXPECT_FALSE(fs::exists(root_ + "/etc/mtasts"));
}

TEST_F(HostSetup, ASecondApplyHasNothingToDo) {
  EXPECT_EQ(run(Action::kApply), kDone);
  EXPECT_EQ(run(Action::kApply), kDone);
  EXPECT_THAT(out_.str(), HasSubstr("Nothing to do"));
  EXPECT_EQ(run(Action::kPlan), kDone);
}

TEST_F(HostSetup, ASecondApplySeesThatItStillWorks) {
  ASSERT_EQ(run(Action::kApply), kDone);
  std::string seen;
  try_out_ = [&](const std::string& path) -> Result<void> {
    seen = path;
    return fail(ErrorCode::kConfig, "nobody answers");
  };
  const std::string before = read(kConfig);
  EXPECT_EQ(run(Action::kApply), kRefused);
  EXPECT_THAT(err_.str(), HasSubstr("nobody answers"));
  EXPECT_EQ(seen, kConfig);
  EXPECT_EQ(read(kConfig), before);
  EXPECT_EQ(settled_, 0);
}

TEST_F(HostSetup, WhatIsInForceIsLookedAtOnlyWhereNothingIsToBeChanged) {
  int looks = 0;
  still_works_ = [&]() -> Result<void> {
    ++looks;
    return {};
  };
  ASSERT_EQ(run(Action::kApply), kDone);
  ASSERT_EQ(run(Action::kPlan), kDone);
  EXPECT_EQ(looks, 0);
  ASSERT_EQ(run(Action::kApply), kDone);
  EXPECT_EQ(looks, 1);
}

TEST_F(HostSetup, WhatMayBeReplacedIsSaidOnce) {
  other_software_ = true;
  EXPECT_EQ(run(Action::kApply), kRefused);
  EXPECT_EQ(run(Action::kPlan, true), kPending);
  EXPECT_THAT(out_.str(), HasSubstr("mtasts setup host --replace --apply;")) << "what is to be typed next";
  ASSERT_EQ(run(Action::kApply, true), kDone);
  EXPECT_EQ(run(Action::kApply), kDone) << err_.str();
  EXPECT_THAT(out_.str(), HasSubstr("Nothing to do"));
  ASSERT_EQ(run(Action::kUndo), kDone);
  EXPECT_EQ(run(Action::kApply), kRefused);
}

TEST_F(HostSetup, UndoGivesBackTheSameBytesAndRights) {
  ::chmod((root_ + kConfig).c_str(), 0640);
  ASSERT_EQ(run(Action::kApply), kDone) << err_.str();
  EXPECT_EQ(fs::status(root_ + kConfig).permissions(), fs::perms(0640));
  EXPECT_EQ(run(Action::kUndo), kDone) << err_.str();
  EXPECT_EQ(read(kConfig), "one\ntwo\n");
  EXPECT_EQ(fs::status(root_ + kConfig).permissions(), fs::perms(0640));
  EXPECT_FALSE(fs::exists(root_ + kExtra));
  EXPECT_FALSE(fs::exists(root_ + "/etc/mtasts/setup"));
  EXPECT_EQ(settled_, 1);
}

TEST_F(HostSetup, UndoKeepsWhatTheAdministratorAddedSince) {
  ASSERT_EQ(run(Action::kApply), kDone);
  write(kConfig, "zero\n" + read(kConfig) + "four\n");
  EXPECT_EQ(run(Action::kUndo), kDone) << err_.str();
  EXPECT_EQ(read(kConfig), "zero\none\ntwo\nfour\n");
}

TEST_F(HostSetup, UndoIsRefusedWhereOurLinesWereEdited) {
  ASSERT_EQ(run(Action::kApply), kDone);
  std::string text = read(kConfig);
  const std::string edited = text.replace(text.find("three"), 5, "THREE");
  write(kConfig, edited);
  EXPECT_EQ(run(Action::kUndo), kRefused);
  EXPECT_THAT(err_.str(), HasSubstr("/etc/mtasts/setup/host/conf."));
  EXPECT_EQ(read(kConfig), edited);
  EXPECT_TRUE(fs::exists(root_ + kExtra)) << "nothing else is taken back either";
}

TEST_F(HostSetup, ALostEndMarkIsNoReasonToCutTheFile) {
  ASSERT_EQ(run(Action::kApply), kDone);
  std::string text = read(kConfig);
  text.erase(text.find("# END"));
  write(kConfig, text + "four\n");
  EXPECT_EQ(run(Action::kUndo), kRefused);
  EXPECT_EQ(read(kConfig), text + "four\n");
}

TEST_F(HostSetup, ALaterVersionReplacesItsOwnLines) {
  ASSERT_EQ(run(Action::kApply), kDone);
  write(kConfig, read(kConfig) + "four\n");
  lines_ = "3\n";
  EXPECT_EQ(run(Action::kPlan), kPending);
  EXPECT_EQ(run(Action::kApply), kDone) << err_.str();
  EXPECT_THAT(read(kConfig), Not(HasSubstr("three")));
  EXPECT_EQ(run(Action::kUndo), kDone);
  EXPECT_EQ(read(kConfig), "one\ntwo\nfour\n");
}

TEST_F(HostSetup, AFailedCheckTakesEverythingBack) {
  then_ = [] { return fail(ErrorCode::kConfig, "the host does not like it"); };
  EXPECT_EQ(run(Action::kApply), kRefused);
  EXPECT_THAT(err_.str(), HasSubstr("the host does not like it"));
  EXPECT_EQ(read(kConfig), "one\ntwo\n");
  EXPECT_FALSE(fs::exists(root_ + kExtra));
  EXPECT_EQ(settled_, 1);
}

// What an earlier --apply had started goes on: the lines that are put back need it.
TEST_F(HostSetup, AFailedSecondApplyLeavesServicesAsItFoundThem) {
  facts_ = {{"service is-active", "no"}};
  ASSERT_EQ(run(Action::kApply), kDone);
  facts_ = {{"service is-active", "yes"}};
  lines_ = "3\n";
  then_ = [] { return fail(ErrorCode::kConfig, "the host does not like it"); };
  EXPECT_EQ(run(Action::kApply), kRefused);
  EXPECT_THAT(read(kConfig), HasSubstr("three"));
  EXPECT_EQ(settled_by_, facts_);
  then_ = {};
  EXPECT_EQ(run(Action::kUndo), kDone) << err_.str();
  EXPECT_EQ(settled_by_, (Facts{{"service is-active", "no"}}));
}

TEST_F(HostSetup, UndoKnowsWhatALaterApplyStarted) {
  facts_ = {{"service is-active", "no"}};
  ASSERT_EQ(run(Action::kApply), kDone);
  facts_ = {{"service is-active", "yes"}, {"socket is-active", "no"}};
  lines_ = "3\n";
  ASSERT_EQ(run(Action::kApply), kDone) << err_.str();
  ASSERT_EQ(run(Action::kUndo), kDone) << err_.str();
  EXPECT_EQ(settled_by_, (Facts{{"service is-active", "no"}, {"socket is-active", "no"}}));
}

TEST_F(HostSetup, ANewFileIsTriedOutBeforeItIsInForce) {
  std::string seen;
  try_out_ = [&](const std::string& candidate) -> Result<void> {
    seen = read(candidate);
    EXPECT_EQ(read(kConfig), "one\ntwo\n");
    return fail(ErrorCode::kConfig, "no");
  };
  EXPECT_EQ(run(Action::kApply), kRefused);
  EXPECT_THAT(seen, HasSubstr("three"));
  EXPECT_EQ(std::distance(fs::directory_iterator(root_ + "/etc/host"), {}), 1) << "the candidate is gone";
}

TEST_F(HostSetup, AnUnfinishedApplyIsFinishedByTheNext) {
  int done = 0;
  then_ = [&]() -> Result<void> {
    ++done;
    return {};
  };
  ASSERT_EQ(run(Action::kApply), kDone);
  auto saved = load_state(root_, "host");
  ASSERT_TRUE(saved && *saved);
  (*saved)->complete = false;  // as after a kill before the last step
  ASSERT_TRUE(save_state(root_, "host", **saved));
  EXPECT_EQ(run(Action::kApply), kDone);
  EXPECT_EQ(done, 2);
}

TEST_F(HostSetup, AnApplyKilledBetweenTwoFilesCanBeUndone) {
  ASSERT_TRUE(save_state(root_, "host",
                         {"host", {{kExtra, {}, "ours\n", ""}, {kConfig, "one\ntwo\n", "new\n", ""}}, {}, false}));
  write(kExtra, "ours\n");
  EXPECT_EQ(run(Action::kUndo), kDone) << err_.str();
  EXPECT_FALSE(fs::exists(root_ + kExtra));
  EXPECT_EQ(read(kConfig), "one\ntwo\n");
}

TEST_F(HostSetup, ASymbolicLinkOfTheAdministratorsIsFollowed) {
  fs::create_directories(root_ + "/srv/kept");
  fs::rename(root_ + kConfig, root_ + "/srv/kept/conf");
  fs::create_symlink("/srv/kept/conf", root_ + kConfig);
  ASSERT_EQ(run(Action::kApply), kDone) << err_.str();
  EXPECT_TRUE(fs::is_symlink(root_ + kConfig));
  EXPECT_THAT(read("/srv/kept/conf"), HasSubstr("three"));
}

TEST_F(HostSetup, NothingIsChangedWhereOthersCanWrite) {
  ::chmod((root_ + "/etc/host").c_str(), 0777);
  EXPECT_EQ(run(Action::kApply), kRefused);
  EXPECT_THAT(err_.str(), HasSubstr("/etc/host can be written by somebody else"));
  EXPECT_EQ(read(kConfig), "one\ntwo\n");
}

TEST_F(HostSetup, AFileThatCannotBeReadIsNotTakenForAMissingOne) {
  fs::remove(root_ + kConfig);
  fs::create_directory(root_ + kConfig);
  EXPECT_EQ(run(Action::kPlan), kRefused);
  EXPECT_THAT(err_.str(), HasSubstr("is not a regular file"));
}

TEST_F(HostSetup, ADamagedCopyIsNotPutBack) {
  ASSERT_EQ(run(Action::kApply), kDone);
  for (const auto& entry : fs::directory_iterator(root_ + "/etc/mtasts/setup/host")) {
    if (entry.path().filename() != "manifest") std::ofstream(entry.path()) << "?";
  }
  EXPECT_EQ(run(Action::kUndo), kRefused);
  EXPECT_THAT(err_.str(), HasSubstr("damaged"));
}

TEST_F(HostSetup, WhatIsKeptIsForRootAlone) {
  ASSERT_EQ(run(Action::kApply), kDone);
  EXPECT_EQ(fs::status(root_ + "/etc/mtasts/setup").permissions(), fs::perms::owner_all);
  for (const auto& entry : fs::directory_iterator(root_ + "/etc/mtasts/setup/host"))
    EXPECT_EQ(entry.status().permissions(), fs::perms(0600)) << entry.path();
}

TEST(RunProgram, GivesInputAndTakesBothOutputs) {
  const auto told = run_program({"/bin/sh", "-c", "cat; echo bad >&2; exit 3"}, std::string(100000, 'x'));
  ASSERT_TRUE(told) << told.error().detail;
  EXPECT_EQ(told->status, 3);
  EXPECT_EQ(told->out.size(), 100000U);
  EXPECT_EQ(told->err, "bad\n");
  EXPECT_FALSE(run_program({"/nowhere/x"}, ""));
}

}  // namespace
}  // namespace mtasts::setup
