// Questions to one authoritative server: the lab's knot, and scripted ones.
#include "dns/server_questions.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>

#include "module/io/event_loop.h"
#include "tests/unit/dns/scripted_server.h"
#include "tests/unit/lab.h"

namespace mtasts {
namespace {

using test::ScriptedServer;
using testing::ElementsAre;
using testing::HasSubstr;
using Texts = DnsAnswer<std::string>;
using Type = ServerQuestions::Type;

ServerQuestionsConfig at(const std::string& server) {
  ServerQuestionsConfig config;
  config.port = static_cast<std::uint16_t>(std::stoul(server.substr(server.rfind(':') + 1)));
  config.allow_private = {"127.0.0.0/8"};
  config.timeout = std::chrono::seconds(2);
  return config;
}

class Asking {
 public:
  explicit Asking(const ServerQuestionsConfig& config)
      : loop_(make_event_loop().value()), servers_(make_server_questions(*loop_, config).value()) {}

  Result<Texts> ask(const std::string& name, Type type = Type::kTxt, const std::string& address = "127.0.0.1") {
    std::optional<Result<Texts>> answer;
    servers_->ask(address, name, type, [&](Result<Texts> got) {
      EXPECT_FALSE(answer) << "called back twice";
      answer = std::move(got);
      loop_->stop();
    });
    EXPECT_FALSE(answer) << "called back from inside the call";
    loop_->run();
    return answer.value_or(fail(ErrorCode::kInternal, "the loop ended without an answer"));
  }
  EventLoop& loop() { return *loop_; }
  ServerQuestions& servers() { return *servers_; }

 private:
  std::unique_ptr<EventLoop> loop_;
  std::unique_ptr<ServerQuestions> servers_;
};

TEST(ServerQuestions, TellsWhatTheServerItselfHas) {
  Asking asking(at(test::lab("AUTH")));
  EXPECT_THAT(asking.ask("_mta-sts.good.test")->records, ElementsAre("v=STSv1; id=20261101T000000Z;"));
  EXPECT_EQ(asking.ask("_mta-sts.nothere.test")->kind, Texts::Kind::kNxDomain);
  EXPECT_EQ(asking.ask("_mta-sts.norecord.test")->kind, Texts::Kind::kNoData);
}

TEST(ServerQuestions, AnAliasIsNotFollowedElsewhere) {
  Asking asking(at(test::lab("AUTH")));
  EXPECT_THAT(asking.ask("_mta-sts.txtcname.test", Type::kCname)->records,
              ElementsAre("_mta-sts.provider.elsewhere.test"));
  EXPECT_EQ(asking.ask("_mta-sts.good.test", Type::kCname)->kind, Texts::Kind::kNoData);
}

TEST(ServerQuestions, AsksWithoutRecursion) {
  std::string flags;
  ScriptedServer server([&](const test::Query& query) {
    flags = query.bytes.substr(2, 2);
    return test::Message{.flags = 0x8403}.to(query);
  });
  EXPECT_EQ(Asking(at(server.address())).ask("a.test")->kind, Texts::Kind::kNxDomain);
  EXPECT_EQ(static_cast<unsigned char>(flags.at(0)) & 1U, 0U) << "RD";
}

TEST(ServerQuestions, R20ARefusalIsNoAbsence) {
  ScriptedServer server([](const test::Query& query) { return test::Message{.flags = 0x8005}.to(query); });
  const auto answer = Asking(at(server.address())).ask("a.test");
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().detail, "server 127.0.0.1: REFUSED");
  ScriptedServer referring([](const test::Query& query) { return test::Message{.flags = 0x8000}.to(query); });
  EXPECT_FALSE(Asking(at(referring.address())).ask("a.test"));
}

TEST(ServerQuestions, ADeadServerFailsInTime) {
  const auto refused = Asking(at(test::lab("REFUSED_RESOLVER"))).ask("a.test");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kDnsUnreachable);
  const auto silent = Asking(at(test::lab("DEAD_RESOLVER"))).ask("a.test");
  ASSERT_FALSE(silent);
  EXPECT_EQ(silent.error().code, ErrorCode::kDnsTimeout);
}

TEST(ServerQuestions, GoesNowhereThatStrangersMustNotLead) {
  ScriptedServer server([](const test::Query& query) { return test::Message{}.to(query); });
  auto config = at(server.address());
  config.allow_private = {};
  const auto answer = Asking(config).ask("a.test");
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, ErrorCode::kUnreachable);
  EXPECT_THAT(answer.error().detail, HasSubstr("127.0.0.1 is not a public address"));
  EXPECT_EQ(server.queries(), 0);
  EXPECT_FALSE(Asking(config).ask("a.test", Type::kTxt, "no address"));
  EXPECT_EQ(Asking(at(server.address())).ask("a b.test").error().code, ErrorCode::kInvalidName);
}

TEST(ServerQuestions, ManyQuestionsToOneServerTakeTurns) {
  auto config = at(test::lab("AUTH"));
  config.max_per_address = 2;
  Asking asking(config);
  int answered = 0;
  constexpr int kAll = 30;
  for (int i = 0; i < kAll; ++i)
    asking.servers().ask("127.0.0.1", "_mta-sts.good.test", Type::kTxt, [&](const auto& answer) {
      EXPECT_TRUE(answer) << answer.error().detail;
      if (++answered == kAll) asking.loop().stop();
    });
  asking.loop().run();
  EXPECT_EQ(answered, kAll);
}

}  // namespace
}  // namespace mtasts
