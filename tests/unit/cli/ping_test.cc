#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "adapters/cli/command.h"
#include "tests/unit/cli/one_answer.h"
#include "tests/unit/module/scratch.h"

namespace mtasts::cli {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;
using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

// Of whatever version.
const std::string kAnswer = "15:OK mtasts 9.9.9,";

class Ping : public testing::Test {
 protected:
  Ping() { configure("listen = [\"" + address_ + "\", \"inet:127.0.0.1:1\"]"); }
  void configure(const std::string& listen) { std::ofstream(config_) << "[socketmap]\n" << listen << "\n"; }
  int run(std::vector<std::string> words) {
    words.insert(words.begin(), {"--config", config_, "ping"});
    const auto nobody = [](const std::string& /*user*/) -> Result<void> {
      return fail(ErrorCode::kConfig, "nobody has to become somebody to ping");
    };
    return cli::run(words, {out_, err_, false, nobody, make_stderr_log});
  }

  Scratch scratch_;
  std::string address_ = "unix:" + scratch_.path() + "/socket";
  std::string config_ = scratch_.path() + "/mtasts.toml";
  std::ostringstream out_;
  std::ostringstream err_;
};

TEST_F(Ping, SaysNothingWhenTheServerAnswers) {
  OneAnswer server(address_, {kAnswer});
  EXPECT_EQ(run({}), 0);
  EXPECT_THAT(out_.str() + err_.str(), IsEmpty());
  EXPECT_EQ(server.asked(), "19:mtasts-ping version,");
}

TEST_F(Ping, EximsSocketIsAskedWithALine) {
  std::ofstream(config_) << "[exim]\nlisten = [\"" << address_ << "\"]\n";
  {
    OneAnswer server(address_, {"OK mtasts 9", ".9.9\n"});
    EXPECT_EQ(run({"--exim"}), 0) << err_.str();
    EXPECT_EQ(server.asked(), "ping\n");
  }
  std::filesystem::remove(scratch_.path() + "/socket");
  OneAnswer server(address_, {"DEFER MTA-STS: mtastsd is out of service: a mistake\n"});
  EXPECT_EQ(run({"--exim"}), kTemporary);
  EXPECT_THAT(err_.str(), HasSubstr("out of service: a mistake"));
}

TEST_F(Ping, ASocketmapServerIsNoSocketForExim) {
  OneAnswer server(address_, {"9:NOTFOUND ,"});
  EXPECT_EQ(run({"--exim", "--socket", address_, "--timeout", "1"}), kTemporary);
  EXPECT_THAT(err_.str(), HasSubstr("gives no answer in time"));
}

TEST_F(Ping, JsonTellsWhoAnswers) {
  {
    OneAnswer server(address_, {kAnswer});
    EXPECT_EQ(run({"--json"}), 0);
  }
  auto json = nlohmann::json::parse(out_.str());
  EXPECT_EQ(json["answers"], true);
  EXPECT_EQ(json["version"], "9.9.9");
  out_.str("");
  std::filesystem::remove(scratch_.path() + "/socket");
  EXPECT_EQ(run({"--json"}), kTemporary);
  json = nlohmann::json::parse(out_.str());
  EXPECT_EQ(json["answers"], false);
  EXPECT_TRUE(json["version"].is_null());
  EXPECT_THAT(json["reason"].get<std::string>(), HasSubstr("is mtastsd running?"));
  EXPECT_THAT(err_.str(), IsEmpty());
}

TEST_F(Ping, AsksWhereItIsTold) {
  configure("listen = 5");  // is not even read
  OneAnswer server("unix:" + scratch_.path() + "/other", {kAnswer});
  EXPECT_EQ(run({"--socket", "unix:" + scratch_.path() + "/other"}), 0);
}

TEST_F(Ping, TakesAnAnswerInPieces) {
  OneAnswer server(address_, {"15", ":OK mt", "asts 9.9.9", ","});
  EXPECT_EQ(run({}), 0);
}

TEST_F(Ping, FailsWhereNobodyListens) {
  EXPECT_EQ(run({}), kTemporary);
  EXPECT_THAT(err_.str(), AllOf(StartsWith("mtasts: " + address_), HasSubstr("is mtastsd running?")));
}

TEST_F(Ping, FailsWhenNoAnswerComesInTime) {
  OneAnswer server(address_, {"15:OK mtasts 9.9.9"});
  const auto begin = steady_clock::now();
  EXPECT_EQ(run({"--timeout", "1"}), kTemporary);
  EXPECT_GE(steady_clock::now() - begin, milliseconds{950});
  EXPECT_LT(steady_clock::now() - begin, milliseconds{3000});
  EXPECT_THAT(err_.str(), HasSubstr("gives no answer in time"));
}

TEST_F(Ping, FailsWhenTheServerClosesWithoutAnAnswer) {
  OneAnswer server(address_, {});
  EXPECT_EQ(run({}), kTemporary);
  EXPECT_THAT(err_.str(), HasSubstr("closes the connection without an answer"));
}

TEST_F(Ping, FailsWhenSomethingElseListensThere) {
  {
    OneAnswer server(address_, {"220 mail.example ESMTP\r\n"});
    EXPECT_EQ(run({}), kTemporary);
    EXPECT_THAT(err_.str(), HasSubstr("does not answer as a socketmap server does: 220 mail.example ESMTP\\x0d\\x0a"));
  }
  OneAnswer server(address_, {"7:OK dane,"});
  EXPECT_EQ(run({}), kTemporary);
  EXPECT_THAT(err_.str(), HasSubstr("something else answers there, not mtastsd: OK dane"));
}

TEST_F(Ping, FailsWhenAnotherResolverForPostfixListensThere) {
  OneAnswer server(address_, {"9:NOTFOUND ,"});  // as postfix-mta-sts-resolver says to any map
  EXPECT_EQ(run({}), kTemporary);
  EXPECT_THAT(err_.str(), AllOf(HasSubstr("something else answers there, not mtastsd: NOTFOUND"),
                                HasSubstr("postfix-mta-sts-resolver")));
}

TEST_F(Ping, TellsWhyTheServerIsOutOfService) {
  OneAnswer server(address_, {"13:TEMP mistaken,"});
  EXPECT_EQ(run({}), kTemporary);
  EXPECT_THAT(err_.str(), HasSubstr(": TEMP mistaken\n"));
}

TEST_F(Ping, NeedsAnAddress) {
  configure("listen = []");
  EXPECT_EQ(run({}), kConfiguration);
  EXPECT_THAT(err_.str(), HasSubstr("name the address with --socket"));
  EXPECT_EQ(run({"--socket", "localhost:8461"}), kUsage);
  configure("listen = 5");
  EXPECT_EQ(run({}), kConfiguration);
}

TEST_F(Ping, RefusesATimeWithoutEnd) {
  for (const char* time : {"0", "61", "-1", "x"}) EXPECT_EQ(run({"--timeout", time}), kUsage) << time;
}

}  // namespace
}  // namespace mtasts::cli
