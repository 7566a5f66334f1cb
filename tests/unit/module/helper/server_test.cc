// How long a helper serves whom; scripted time.
#include "module/helper/server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include "module/helper/session_fields.h"
#include "module/io/wall_clock.h"
#include "tests/unit/core/builders.h"
#include "tests/unit/module/fakes.h"
#include "tests/unit/module/helper/engines/test_network.h"
#include "tests/unit/module/scratch.h"
#include "tests/unit/sockets.h"

namespace mtasts {
namespace {

using std::chrono::hours;
using std::chrono::seconds;

// In which a socket that is watched is read before timers run, as libevent does it.
class ReadingLoop : public FakeLoop {
 public:
  std::unique_ptr<Watch> watch(int, unsigned what, std::function<void(unsigned)> ready) override {
    if (what == kRead) ready_ = std::move(ready);
    return std::make_unique<Watch>();
  }
  void turn() {
    if (ready_) ready_(kRead);
    advance(seconds(0));
  }

 private:
  std::function<void(unsigned)> ready_;
};

class HelperServerTest : public testing::Test {
 protected:
  HelperServerTest() { connect(); }
  void connect() {
    auto pair = test::socket_pair();
    peer_ = std::move(pair.ours);
    socket_ = std::move(pair.theirs);
  }
  void serve(const std::vector<Fields>& requests) {
    begin(requests);
    loop_.advance(seconds(0));
  }
  void begin(const std::vector<Fields>& requests) {
    FrameReader reader;
    for (const Fields& request : requests) reader.add(encode_frame(request));
    server_ = std::make_unique<HelperServer>(HelperServer::Deps{loop_, engine_, resolver_, prober_, servers_,
                                                                inspector_, files_, log_, false, reports_.get()},
                                             std::move(socket_), std::move(reader), [this] {
                                               ++gone_;
                                               asked_before_ = resolver_.txts.size();
                                             });
  }
  bool peer_sees_the_end() {
    char byte = 0;
    return ::recv(peer_.get(), &byte, 1, MSG_DONTWAIT) == 0;
  }

  Scratch scratch_;
  ReadingLoop loop_;
  FakeResolver resolver_;
  FakeFetcher fetcher_;
  FakeStore store_;
  FakeLog log_;
  FileStore files_{scratch_.path(), log_};
  Engine engine_{loop_, resolver_, fetcher_, store_, log_, LookupRules{}, [] { return from_epoch(1'800'000'000); }};
  NoProber prober_;
  NoServers servers_;
  NoInspector inspector_;
  Descriptor peer_;
  Descriptor socket_;
  std::unique_ptr<TlsReports> reports_;
  std::unique_ptr<HelperServer> server_;
  int gone_ = 0;
  std::size_t asked_before_ = 0;  // when the peer was said to be gone
};

const Fields kSession = encode_session(sts_session(test::domain("example.com"), "a\n", {"b"}), {"1", kReportRequest});
const Fields kUnlisted =
    encode_session(sts_session(test::domain("example.com"), "a\n", {"b"}), {"1", kUnlistedRequest});
const Fields kLearn{"1", kLearnRequest, "example.com"};
const Fields kQuestion{"1", "txt", "example.com"};

class SessionRequest : public HelperServerTest, public testing::WithParamInterface<Fields> {};
INSTANTIATE_TEST_SUITE_P(Each, SessionRequest, testing::Values(kSession, kUnlisted, kLearn));

// A program with one session a day would have a helper beside it all day.
TEST_P(SessionRequest, AHelperForNothingElseEndsByItself) {
  serve({GetParam(), GetParam()});
  loop_.advance(HelperServer::kTakesSessionsFor - seconds(1));
  EXPECT_EQ(gone_, 0);
  EXPECT_FALSE(peer_sees_the_end());
  loop_.advance(seconds(1));
  EXPECT_EQ(gone_, 1);
  EXPECT_TRUE(peer_sees_the_end());
}

TEST_P(SessionRequest, AHelperThatIsAskedAsWellServesUntilItsPeerEnds) {
  for (const auto& requests : {std::vector{GetParam(), kQuestion}, std::vector{kQuestion, GetParam()}}) {
    connect();
    serve(requests);
    loop_.advance(hours(1));
    EXPECT_EQ(gone_, 0);
  }
}

// A process of Exim's hands over what it has and ends, which can be before the helper is ready.
TEST_F(HelperServerTest, R32WhatAPeerHandedOverThatHasGoneIsServedBeforeTheEnd) {
  begin({kQuestion, kQuestion});
  peer_ = Descriptor();
  loop_.turn();
  loop_.turn();
  EXPECT_EQ(gone_, 1);
  EXPECT_EQ(asked_before_, 2U);
}

// By the time that a policy that cannot be had is reported, it is known whether the domain wants that.
TEST_F(HelperServerTest, R31OfADomainWhosePolicyCannotBeHadItLearnsWhetherReportsAreWanted) {
  TlsrptCounts counts;
  const TlsReports::Deps deps{resolver_, files_, scratch_.path(), &now, &std::chrono::steady_clock::now, 200};
  reports_ = std::make_unique<TlsReports>(
      deps, std::make_shared<TlsrptSocket>(TlsrptSocket::Deps{loop_, log_, counts}, scratch_.path(), "/nowhere"));
  serve({{"1", "lookup", "example.com", "normal", "5000"}});
  ASSERT_THAT(resolver_.txts, testing::SizeIs(1));
  const auto record = std::exchange(resolver_.txts, {});
  record[0].second(FakeResolver::found({"v=STSv1; id=1"}));
  ASSERT_THAT(resolver_.hosts, testing::SizeIs(1));
  resolver_.hosts[0].second(FakeResolver::found({"192.0.2.1"}));
  ASSERT_THAT(fetcher_.fetches, testing::SizeIs(1));
  EXPECT_THAT(resolver_.txts, testing::IsEmpty());
  fetcher_.fetches[0].done(fail(ErrorCode::kPolicyFetch, "status 404"));
  loop_.advance(seconds(0));
  ASSERT_THAT(resolver_.txts, testing::SizeIs(1));
  EXPECT_EQ(resolver_.txts[0].first, "_smtp._tls.example.com");
  server_.reset();
  reports_.reset();
}

// Else a session could be handed to a helper that has just ended.
TEST(HelperForSessions, TakesThemForMuchLongerThanItIsGivenAny) {
  EXPECT_GE(HelperServer::kTakesSessionsFor, 5 * kHelperTakesSessions);
}

}  // namespace
}  // namespace mtasts
