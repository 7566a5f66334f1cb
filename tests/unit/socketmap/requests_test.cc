// Requests of several peers, answered from a real store or by lookups whose network is scripted.
#include "module/server/requests.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "adapters/socketmap/protocol.h"
#include "module/client.h"
#include "module/engine/engine.h"
#include "module/io/wall_clock.h"
#include "tests/unit/core/builders.h"
#include "tests/unit/module/fakes.h"
#include "tests/unit/module/scratch.h"

namespace mtasts::socketmap {
namespace {

using server::Admission;
using server::Answers;
using server::Metrics;
using server::Peer;
using server::RequestHandler;
using server::Requests;
using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::HasSubstr;

const std::string kSecure = "50:OK secure match=mx.example.com servername=hostname,";

class Requesting : public testing::Test {
 protected:
  Requesting() {
    admission_.set_limits({.waiting = 16, .running = 4});
    requests_.serve(answers_);
  }

  struct Client {
    std::unique_ptr<RequestHandler::Pending> pending;
    std::string heard;
  };
  // Of a domain that is not cached: one for each number.
  Client& ask(const Peer& peer, int number) { return ask(peer, "postfix d" + std::to_string(number) + ".example"); }
  Client& ask(const Peer& peer, const std::string& request) {
    clients_.push_back(std::make_unique<Client>());
    Client& client = *clients_.back();
    auto handled = requests_.handle(request, {peer}, [&client](const std::string& frame) {
      client.pending.reset();  // as a connection does it
      client.heard = frame;
    });
    client.pending = std::move(handled.pending);
    if (handled.frame != nullptr) client.heard = *handled.frame;
    loop_.advance(milliseconds(0));
    return client;
  }
  void cache_policy() {
    ASSERT_TRUE(store_.put({test::domain(),
                            {RecordMemory::State::kFound, now_ + hours(1), "1", {}},
                            test::stored_policy("1", now_ - hours(1)),
                            std::nullopt}));
  }

  Scratch scratch_;
  Config config_;
  WallTime now_ = mtasts::now();
  FakeLoop loop_;
  FakeResolver resolver_;
  FakeFetcher fetcher_;
  FakeLog log_;
  Metrics metrics_;
  FileStore store_{scratch_.path(), log_};
  SocketmapProtocol protocol_;
  Admission admission_{loop_, {0, 0}};
  Requests requests_{{loop_, protocol_, admission_, metrics_, log_}};
  Engine engine_{loop_, resolver_, fetcher_, store_, log_, config_.lookup, [this] { return now_; }};
  Answers answers_{{protocol_, &engine_, store_, log_, metrics_, [this] { return now_; }}, config_};
  std::vector<std::unique_ptr<Client>> clients_;
};

TEST_F(Requesting, ALookupAnswersItsClient) {
  Client& client = ask("uid 33", 1);
  EXPECT_EQ(client.heard, "");
  resolver_.txts.at(0).second(FakeResolver::found({}));
  EXPECT_EQ(client.heard, "9:NOTFOUND ,");
}

TEST_F(Requesting, AFloodGetsTempAndOthersAreLookedUpAtOnce) {
  cache_policy();
  for (int i = 0; i < 12; ++i) EXPECT_TRUE(ask("uid 1000", i).pending) << i;
  EXPECT_EQ(ask("uid 1000", 12).heard, "52:TEMP too many requests of uid 1000 wait for a lookup,");
  EXPECT_EQ(ask("uid 1000", "postfix example.com").heard, kSecure) << "cached answers always get through";
  const std::size_t before = resolver_.txts.size();
  Client& mail = ask("uid 33", 100);
  ASSERT_EQ(resolver_.txts.size(), before + 1);
  resolver_.txts.back().second(FakeResolver::found({}));
  EXPECT_EQ(mail.heard, "9:NOTFOUND ,");
}

TEST_F(Requesting, ARefusalIsLoggedOnceAnHourWithThePeerAndTheEffect) {
  for (int i = 0; i < 20; ++i) ask("uid 0", i);
  EXPECT_THAT(log_.lines,
              ElementsAre(testing::AllOf(HasSubstr("warning event=lookups-refused peer=\"uid 0 (root)\" waiting=12"),
                                         HasSubstr("are refused, and a mail server defers"))));
  EXPECT_THAT(metrics_.text(), HasSubstr("mtasts_lookups_refused_total 8\n"));
}

TEST_F(Requesting, WhoHangsUpMakesRoom) {
  for (int i = 0; i < 13; ++i) ask("uid 1000", i);
  clients_.at(11)->pending.reset();
  EXPECT_TRUE(ask("uid 1000", 13).pending);
  EXPECT_THAT(metrics_.text(), HasSubstr("mtasts_requests_waiting 12\n"));
}

TEST_F(Requesting, ALookupThatDoesNotBeginInTimeIsDeferredAtTheDeadline) {
  for (int i = 0; i < 4; ++i) ask("uid 1000", i);
  Client& queued = *clients_.back();
  loop_.advance(seconds(19));
  EXPECT_EQ(queued.heard, "");
  loop_.advance(seconds(1));
  EXPECT_THAT(queued.heard, HasSubstr(":TEMP "));
  EXPECT_FALSE(queued.pending);
}

// Of the same peer: mail to a stranger's domains fills the queue of the mail server that it passes through.
TEST_F(Requesting, R17APolicyInForceDoesNotWaitForItsTurn) {
  cache_policy();
  now_ += hours(2);  // its record has to be asked for again
  for (int i = 0; i < 4; ++i) ask("uid 33", i);
  const std::size_t asked = resolver_.txts.size();
  Client& mail = ask("uid 33", "postfix example.com");
  loop_.advance(milliseconds(499));
  EXPECT_EQ(mail.heard, "");
  loop_.advance(milliseconds(1));
  EXPECT_EQ(mail.heard, kSecure);
  EXPECT_FALSE(mail.pending);
  ask("uid 33", "postfix example.com");
  loop_.advance(milliseconds(500));
  EXPECT_EQ(resolver_.txts.size(), asked + 1) << "R18: its record is asked for behind the answer, once";
  EXPECT_THAT(metrics_.text(), HasSubstr("mtasts_requests_waiting 4\n"));
}

TEST_F(Requesting, R17OneWhoseTurnHasComeIsAnsweredByItsLookup) {
  cache_policy();
  now_ += hours(2);
  Client& mail = ask("uid 33", "postfix example.com");
  loop_.advance(milliseconds(600));
  EXPECT_EQ(mail.heard, "") << "a name server may take that long";
  loop_.advance(milliseconds(400));
  EXPECT_EQ(mail.heard, kSecure);
}

TEST_F(Requesting, AnAnswerForAClientThatIsGoneHarmsNobody) {
  ask("uid 33", 1).pending.reset();
  resolver_.txts.at(0).second(FakeResolver::found({}));
  EXPECT_EQ(clients_.at(0)->heard, "");
}

TEST_F(Requesting, OutOfServiceWhatIsCachedIsAnsweredAndTheRestIsToldWhy) {
  cache_policy();
  requests_.refuse_all("mtastsd is out of service: no engine\n", &answers_);
  EXPECT_EQ(ask("uid 33", "postfix example.com").heard, kSecure);
  EXPECT_EQ(ask("uid 33", 1).heard, "45:TEMP mtastsd is out of service: no engine\\x0a,");
  EXPECT_THAT(ask("uid 33", "mtasts-ping version").heard, HasSubstr(":TEMP mtastsd is out of service"));
  requests_.refuse_all(std::string(2000, 'x'), nullptr);
  EXPECT_EQ(ask("uid 33", "postfix example.com").heard, "508:TEMP " + std::string(500, 'x') + "...,");
  EXPECT_TRUE(resolver_.txts.empty());
  requests_.serve(answers_);
  EXPECT_TRUE(ask("uid 33", 1).pending);
}

TEST_F(Requesting, NonsenseIsToldOnceAMinute) {
  for (int i = 0; i < 1000; ++i) requests_.complain("what it sent is no socketmap request", "GET / \n");
  EXPECT_THAT(log_.lines, ElementsAre(HasSubstr("event=client-dropped")));
  EXPECT_THAT(metrics_.text(), HasSubstr("mtasts_malformed_requests_total 1000\n"));
}

}  // namespace
}  // namespace mtasts::socketmap
