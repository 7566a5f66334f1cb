#include "adapters/cli/report/report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "adapters/cli/report/opened_message.h"
#include "module/io/descriptor.h"
#include "tests/unit/module/scratch.h"
#include "tests/unit/report/builders.h"

namespace mtasts::report {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr uid_t kNobody = 65534;

class Report : public testing::Test {
 protected:
  std::string file(const std::string& name, const std::string& bytes) {
    const std::string path = scratch_.path() + "/" + name;
    std::filesystem::create_directories(std::filesystem::path(path).parent_path());
    std::ofstream(path, std::ios::binary) << bytes;
    return path;
  }
  std::string maildir() {
    for (const char* part : {"/box/cur", "/box/new", "/box/tmp"})
      std::filesystem::create_directories(scratch_.path() + part);
    return scratch_.path() + "/box";
  }
  int run(const std::vector<std::string>& files, const std::string& html = "") {
    out_.str("");
    err_.str("");
    return report({files, true, html}, {out_, err_, false, [this] { return give_up_(); }});
  }
  nlohmann::json json() { return nlohmann::json::parse(out_.str()); }

  Scratch scratch_;
  std::ostringstream out_;
  std::ostringstream err_;
  std::function<Result<void>()> give_up_ = [] { return Result<void>(); };
};

TEST_F(Report, SumsUpFilesOfEachKind) {
  const auto code = run({file("a.json", json_of({.id = "\"1\""})), file("b.json.gz", gzipped(json_of({.id = "\"2\""}))),
                         file("c.eml", mail_with(base64(gzipped(json_of({.id = "\"3\""})))))});
  EXPECT_EQ(code, kAllCounted) << err_.str();
  EXPECT_EQ(json()["reports"], 3);
  EXPECT_EQ(json()["failed"], 3 * 303);
  EXPECT_THAT(err_.str(), IsEmpty());
}

TEST_F(Report, TellsTheGoodOnesBesideARefusedOne) {
  const std::string bad = file("bad.json", "{");
  EXPECT_EQ(run({bad, file("a.json", json_of({}))}), kSomeRefused);
  EXPECT_EQ(json()["reports"], 1);
  EXPECT_EQ(json()["refused"],
            nlohmann::json::parse(R"([{"file": ")" + bad + R"(", "reason": "the JSON text is cut off"}])"));
  EXPECT_EQ(err_.str(), "mtasts: " + bad + ": the JSON text is cut off\n");
}

TEST_F(Report, TellsTheGoodOnesBesideAMissingOne) {
  const std::string missing = scratch_.path() + "/missing";
  EXPECT_EQ(run({missing, file("a.json", json_of({}))}), kSomeUnreadable);
  EXPECT_EQ(json()["reports"], 1);
  EXPECT_EQ(json()["refused"][0]["reason"], "no such file");
  EXPECT_EQ(run({missing, file("bad.json", "{")}), kSomeUnreadable);
}

TEST_F(Report, ReadsAMaildir) {
  const std::string box = maildir();
  file("box/cur/1:2,S", mail_with(base64(gzipped(json_of({.id = "\"1\""})))));
  file("box/new/2", mail_with(base64(gzipped(json_of({.id = "\"2\""})))));
  file("box/tmp/3", "not delivered yet");
  file("box/cur/.hidden", "not a mail");
  EXPECT_EQ(run({box}), kAllCounted) << err_.str();
  EXPECT_EQ(json()["reports"], 2);
}

TEST_F(Report, PassesOverOtherMailInAMaildirButNotWhereItIsNamed) {
  const std::string box = maildir();
  const std::string lunch = file("box/new/1", "Subject: lunch?\n\nToday?\n");
  EXPECT_EQ(run({box}), kAllCounted);
  EXPECT_THAT(json()["refused"], IsEmpty());
  EXPECT_THAT(err_.str(), HasSubstr("1 mail has no report attached and was passed over"));
  EXPECT_EQ(run({lunch}), kSomeRefused);
}

TEST_F(Report, RefusesADamagedMailOfAMaildir) {
  const std::string box = maildir();
  file("box/new/1", mail_with("YQ="));
  EXPECT_EQ(run({box}), kSomeRefused);
  EXPECT_EQ(json()["refused"][0]["file"], box + "/new/1");
}

// A user's descriptors under way are limited like those that one process may have open; root's are not.
TEST_F(Report, CountsAllOfALargeMaildirWhereFewDescriptorsMayBeUnderWay) {
  constexpr int kMails = 300;
  const std::string box = maildir();
  std::filesystem::permissions(scratch_.path(), std::filesystem::perms(0755));
  for (int i = 0; i < kMails; ++i) file("box/new/" + std::to_string(i), json_of({.id = '"' + std::to_string(i) + '"'}));
  const pid_t user = ::fork();
  if (user == 0) {
    const rlimit few{16, 16};
    if (::setrlimit(RLIMIT_NOFILE, &few) != 0 || (::geteuid() == 0 && ::setresuid(kNobody, kNobody, kNobody) != 0))
      ::_exit(99);
    ::_exit(run({box}) == kAllCounted && json()["reports"] == kMails ? 0 : 1);
  }
  int status = -1;
  ASSERT_EQ(::waitpid(user, &status, 0), user);
  EXPECT_EQ(status, 0);
}

TEST(OpenedFiles, SaysSoWhereWhoeverOpensThemEndsEarly) {
  auto pair = make_message_pair().value();
  pair.second = Descriptor();
  const auto file = receive_opened(pair.first);
  ASSERT_TRUE(file && !file->descriptor && file->is_last);
  EXPECT_EQ(file->descriptor.error().kind, Refusal::Kind::kUnreadable);
  EXPECT_THAT(file->descriptor.error().reason, HasSubstr("ended early"));
}

TEST(OpenedFiles, SaysThatTheLastOneHasCome) {
  auto pair = make_message_pair().value();
  open_all({}, pair.second);
  pair.second = Descriptor();
  EXPECT_FALSE(receive_opened(pair.first));
}

// Who owns the Maildir could plant them there.
TEST_F(Report, FollowsNoLinkAndOpensNoPipeOfAMaildir) {
  const std::string box = maildir();
  std::filesystem::create_symlink(file("a.json", json_of({})), box + "/new/link");
  ASSERT_EQ(::mkfifo((box + "/new/pipe").c_str(), 0600), 0);
  EXPECT_NE(run({box}), kAllCounted);
  EXPECT_EQ(json()["reports"], 0);
  EXPECT_EQ(json()["refused"].size(), 2U);
}

TEST_F(Report, FollowsNoLinkInPlaceOfAFolderOfAMaildir) {
  const std::string box = maildir();
  file("elsewhere/a.json", json_of({}));
  std::filesystem::remove(box + "/cur");
  std::filesystem::create_symlink(scratch_.path() + "/elsewhere", box + "/cur");
  EXPECT_EQ(run({box}), kSomeRefused);
  EXPECT_EQ(json()["reports"], 0);
}

TEST_F(Report, RefusesAnotherFolder) {
  EXPECT_EQ(run({scratch_.path()}), kSomeRefused);
  EXPECT_THAT(err_.str(), HasSubstr("a folder, but no Maildir"));
}

TEST_F(Report, ReadsAPipe) {
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe(ends.data()), 0);
  const Descriptor read_end(ends[0]);
  {
    const Descriptor write_end(ends[1]);
    const std::string text = json_of({});
    ASSERT_EQ(::write(write_end.get(), text.data(), text.size()), static_cast<ssize_t>(text.size()));
  }
  EXPECT_EQ(run({"/dev/fd/" + std::to_string(read_end.get())}), kAllCounted);
  EXPECT_EQ(json()["reports"], 1);
}

TEST_F(Report, EndsWithAFileThatNeverEnds) {
  EXPECT_EQ(run({"/dev/zero"}), kSomeRefused);
  EXPECT_EQ(json()["refused"][0]["reason"], "larger than 32 MiB");
}

TEST_F(Report, ReadsManyMoreFilesThanItMayHaveOpen) {
  const std::string box = maildir();
  for (int i = 0; i < 2000; ++i)
    file("box/new/" + std::to_string(i), mail_with(base64(json_of({.id = std::to_string(i).insert(0, "\"") + "\""}))));
  rlimit before{};
  ::getrlimit(RLIMIT_NOFILE, &before);
  const rlimit few{64, before.rlim_max};
  ::setrlimit(RLIMIT_NOFILE, &few);
  EXPECT_EQ(run({box}), kAllCounted) << err_.str();
  ::setrlimit(RLIMIT_NOFILE, &before);
  EXPECT_EQ(json()["reports"], 2000);
}

// Rights are given up before the first byte is read; files that only the caller may read are read all the same.
TEST_F(Report, GivesUpRightsBeforeItReads) {
  const std::string path = file("a.json", json_of({}));
  give_up_ = [&]() -> Result<void> {
    std::filesystem::remove(path);
    return fail(ErrorCode::kLocalFault, "cannot become nobody");
  };
  EXPECT_EQ(run({path, path}), kNotConfined);
  EXPECT_EQ(out_.str(), "");
  EXPECT_EQ(err_.str(), "mtasts: cannot become nobody\n");
}

TEST_F(Report, WritesThePageBesideTheRest) {
  const std::string page = scratch_.path() + "/report.html";
  EXPECT_EQ(run({file("a.json", json_of({}))}, page), kAllCounted);
  EXPECT_EQ(json()["reports"], 1);
  std::ifstream in(page);
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  EXPECT_THAT(text, AllOf(HasSubstr("<!DOCTYPE html>"), HasSubstr("Sender Inc."), HasSubstr("</html>")));
}

TEST_F(Report, SaysThatThePageCannotBeWritten) {
  EXPECT_EQ(run({file("a.json", json_of({}))}, scratch_.path() + "/missing/report.html"), kNoPage);
  EXPECT_THAT(err_.str(), HasSubstr("the page cannot be written to "));
  EXPECT_EQ(run({file("a.json", json_of({}))}, "/dev/full"), kNoPage);
}

TEST_F(Report, WarnsOfSumsThatAreTooLarge) {
  EXPECT_EQ(run({file("a.json", json_of({.id = "\"1\"", .successful = "18446744073709551615"})),
                 file("b.json", json_of({.id = "\"2\""}))}),
            kAllCounted);
  EXPECT_EQ(json()["successful"], UINT64_MAX);
  EXPECT_THAT(err_.str(), HasSubstr("one of the senders counts wrong"));
}

// RFC 8460 §5.3: a report that is sent again, by mail and by HTTPS, is one.
TEST_F(Report, WarnsOfAReportThatSaysSomethingElseUnderAKnownId) {
  const std::string forged = file("1.json", json_of({.failed = "0"}));
  const std::string real = file("2.json.gz", gzipped(json_of({})));
  const std::string again = file("3.eml", mail_with(base64(json_of({.more = "\"x\": 1, "}))));
  EXPECT_EQ(run({forged, real, again}), kAllCounted);
  EXPECT_EQ(json()["reports"], 1);
  EXPECT_EQ(json()["failed"], 303);
  EXPECT_EQ(json()["conflicts"].size(), 1U);
  EXPECT_EQ(err_.str(), "mtasts: warning: " + real + ": says something else than the report in " + forged +
                            ", with the same organization (Sender Inc.) and id (2026-01-31@sender.example); counted "
                            "once, with the larger number of each: a correction, or one of them is forged\n");
}

TEST_F(Report, AFilesNameIsNoControlSequence) {
  run({file("\x1b[31m", "{")});
  EXPECT_THAT(err_.str(), HasSubstr("?[31m"));
  EXPECT_EQ(err_.str().find('\x1b'), std::string::npos);
}

}  // namespace
}  // namespace mtasts::report
