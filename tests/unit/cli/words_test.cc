// What the command says of words: misspelt commands, spans of time, completions.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "adapters/cli/command.h"
#include "adapters/cli/declarations.h"
#include "adapters/cli/durations.h"
#include "adapters/cli/spelling.h"

namespace mtasts::cli {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::HasSubstr;

TEST(Spelling, FindsTheWordThatWasMeant) {
  const std::vector<std::string> known{"query", "match", "cache", "setup", "status"};
  EXPECT_EQ(closest("qurey", known), "query");
  EXPECT_EQ(closest("quer", known), "query");
  EXPECT_EQ(closest("statsu", known), "status");
  EXPECT_EQ(closest("cahce", known), "cache");
  EXPECT_EQ(closest("frobnicate", known), "");
  EXPECT_EQ(closest("", known), "");
  EXPECT_EQ(closest(std::string(100'000, 'q'), known), "");
}

TEST(Durations, AreOneUnitForPeople) {
  EXPECT_EQ(duration_text(0s), "0 seconds");
  EXPECT_EQ(duration_text(1s), "1 second");
  EXPECT_EQ(duration_text(119s), "119 seconds");
  EXPECT_EQ(duration_text(119min), "119 minutes");
  EXPECT_EQ(duration_text(47h), "47 hours");
  EXPECT_EQ(duration_text(std::chrono::seconds(604'800)), "7 days");
  const WallTime now{std::chrono::sys_days{std::chrono::year{2026} / 1 / 31}};
  EXPECT_EQ(relative_text(now + 73h, now), "in 3 days");
  EXPECT_EQ(relative_text(now - 3h, now), "3 hours ago");
  EXPECT_EQ(relative_text(now, now), "now");
  EXPECT_EQ(time_text(now + 73h, now), "2026-02-03T01:00:00Z (in 3 days)");
}

int run(std::vector<std::string> words, std::ostringstream& out, std::ostringstream& err) {
  return cli::run(words, {out, err, false, {}, {}});
}

std::string script(const std::string& shell) {
  std::ostringstream out;
  std::ostringstream err;
  EXPECT_EQ(run({"completion", shell}, out, err), 0) << err.str();
  return out.str();
}

std::string error_of(const std::vector<std::string>& words) {
  std::ostringstream out;
  std::ostringstream err;
  EXPECT_EQ(run(words, out, err), kUsage);
  return err.str();
}

TEST(Commands, PublishTakesNoEmptyWordForAFolderOrDomain) {
  const std::vector<std::string> good{"publish", "--list", "l", "--root", "r", "--state", "s"};
  for (const char* option : {"--root", "--state"}) {
    auto words = good;
    *(std::find(words.begin(), words.end(), option) + 1) = "";
    EXPECT_THAT(error_of(words), AllOf(HasSubstr(option), HasSubstr("empty")));
  }
  for (const char* option : {"--out", "--promote", "--leave"}) {
    auto words = good;
    words.insert(words.end(), {option, ""});
    EXPECT_THAT(error_of(words), AllOf(HasSubstr(option), HasSubstr("empty")));
  }
}

TEST(Commands, ThatAreUnknownAreNamed) {
  EXPECT_EQ(error_of({"qurey", "example.com"}), "mtasts: unknown command 'qurey'; did you mean query?\n");
  EXPECT_EQ(error_of({"--config", "x", "qurey"}), "mtasts: unknown command 'qurey'; did you mean query?\n");
  EXPECT_EQ(error_of({"cache", "lsit"}), "mtasts: unknown command 'lsit'; did you mean list?\n");
  EXPECT_EQ(error_of({"frobnicate"}), "mtasts: unknown command 'frobnicate'; see mtasts --help\n");
  EXPECT_EQ(error_of({"cache", "\x1b[31m"}), "mtasts: unknown command '\\x1b[31m'; see mtasts cache --help\n");
  EXPECT_THAT(error_of({"query", "--jsno", "example.com"}), HasSubstr("--jsno"));
}

// Every command and option that --help names.
TEST(Completion, KnowsWhatHelpKnows) {
  for (const char* shell : {"bash", "zsh", "fish"}) {
    const std::string text = script(shell);
    for (const char* word :
         {"query", "match", "cache", "purge", "report", "setup", "status", "completion", "exim", "postfix"})
      EXPECT_THAT(text, HasSubstr(word)) << shell;
    for (const char* option : {"json", "refresh", "config", "html", "undo", "all", "help"})
      EXPECT_THAT(text,
                  HasSubstr(shell == std::string("fish") ? "-l " + std::string(option) : "--" + std::string(option)))
          << shell;
  }
  EXPECT_EQ(error_of({"completion", "csh"}).find("mtasts: "), 0U);
}

}  // namespace
}  // namespace mtasts::cli
