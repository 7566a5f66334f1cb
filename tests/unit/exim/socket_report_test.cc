// What mtastsd reports of Exim's questions by socket (R32): scripted DNS, a real store, a real socket.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "adapters/exim/line_protocol.h"
#include "module/io/wall_clock.h"
#include "module/server/answers.h"
#include "tests/unit/core/builders.h"
#include "tests/unit/module/fakes.h"
#include "tests/unit/module/scratch.h"
#include "tests/unit/sockets.h"

namespace mtasts {
namespace {

using std::chrono::hours;
using std::chrono::seconds;
using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;
using testing::StartsWith;

constexpr char kRecord[] = "v=TLSRPTv1; rua=mailto:r@example.com";

class EximBySocket : public testing::Test {
 protected:
  EximBySocket() { config_.lookup.ask_dane = config_.decision.ask_dane = true; }

  // A domain that wants reports, under a policy or, without a mode, with one that cannot be had.
  void cache(const std::string& mode, const std::vector<std::string>& dane_hosts = {}) {
    CacheEntry entry{
        test::domain(), {RecordMemory::State::kFound, now_ + hours(1), "1", {}}, std::nullopt, std::nullopt};
    if (mode.empty())
      entry.failure = FetchFailure{"1", 1, 1, now_ + hours(1), {ErrorCode::kPolicyFetch, "status 404"}};
    else
      entry.policy = test::stored_policy("1", now_, test::policy_body(mode));
    const auto dane = dane_hosts.empty() ? DaneState::kNone : DaneState::kPartly;
    if (!mode.empty()) entry.dane = DaneMemory{dane, now_ + hours(1), "", dane_hosts};
    ASSERT_TRUE(store_.put(entry));
    ReportWishes(scratch_.path()).put(test::domain(), {kRecord, now_ + hours(1)});
  }
  server::Answers::Deps deps(bool observe = false) {
    return {.protocol = protocol_,
            .lookups = nullptr,
            .store = store_,
            .log = log_,
            .metrics = metrics_,
            .clock = [this] { return now_; },
            .reports = &reports_,
            .reports_unlisted = true,
            .observe = observe};
  }
  std::string ask(const std::string& request, bool observe = false) {
    server::Answers answers(deps(observe), config_);
    const auto found = answers.find(request, {"uid 0"});
    return found.frame != nullptr ? *found.frame : "a lookup";
  }
  void answer_mx(const std::vector<MxRecord>& hosts) {
    for (const auto& [name, done] : std::exchange(resolver_.mxs, {}))
      done(DnsAnswer<MxRecord>{DnsAnswer<MxRecord>::Kind::kFound, hosts, seconds(300), false});
  }
  // "" when there is none.
  [[nodiscard]] std::string datagram() const { return test::next_datagram(collector_); }

  Scratch scratch_;
  std::string path_ = scratch_.path() + "/collectd.sock";
  const Descriptor collector_ = test::datagram_socket_at(path_);
  Config config_;
  WallTime now_ = mtasts::now();
  FakeLoop loop_;
  FakeResolver resolver_;
  FakeLog log_;
  server::Metrics metrics_;
  FileStore store_{scratch_.path(), log_};
  EximProtocol protocol_{log_};
  TlsrptCounts counts_;
  TlsReports reports_{
      {resolver_, store_, scratch_.path(), [this] { return now_; }, std::chrono::steady_clock::now, 200},
      std::make_shared<TlsrptSocket>(TlsrptSocket::Deps{loop_, log_, counts_}, scratch_.path(), path_)};
};

TEST_F(EximBySocket, R32WhatIsReportedIsReportedOnceForAMessageAndNotWhereAnAddressIsVerified) {
  cache("");
  EXPECT_EQ(ask("route example.com 7 \"\""), "OK \n");
  EXPECT_EQ(datagram(), "");
  EXPECT_EQ(ask("route example.com 8 1rXyz0-1"), "OK \n");
  EXPECT_NE(datagram(), "");
  EXPECT_EQ(ask("route example.com 9 1rXyz0-1"), "OK \n");
  EXPECT_EQ(datagram(), "");
  EXPECT_EQ(ask("route example.com 9 1rXyz0-2"), "OK \n");
  EXPECT_NE(datagram(), "");
}

TEST_F(EximBySocket, R24AnMxThatThePolicyDoesNotListIsToldOnceForAMessage) {
  cache("enforce");
  for (const char* process : {"8", "9"}) {
    EXPECT_THAT(ask(std::string("route example.com ") + process + " 1rXyz0-1"), StartsWith("OK enforce"));
    answer_mx({{10, "mx.example.net"}});
  }
  EXPECT_THAT(datagram(), HasSubstr(R"("n":"mx.example.net")"));
  EXPECT_EQ(datagram(), "");
}

TEST_F(EximBySocket, APolicyThatCannotBeHadIsToldWhereMailIsRoutedNotWhereTheModeIsAskedFor) {
  cache("");
  EXPECT_EQ(ask("mode example.com 7"), "OK none\n");
  EXPECT_EQ(datagram(), "");
  EXPECT_EQ(ask("route example.com 8"), "OK \n");
  EXPECT_THAT(datagram(), HasSubstr(R"("c":301,"f":"status 404")"));
  EXPECT_EQ(ask("mode example.com 9"), "OK none\n");
  EXPECT_EQ(datagram(), "");
}

// Two containers with one socket: the same user, the same number, the same words a moment later.
TEST_F(EximBySocket, APolicyThatCannotBeHadIsToldForTheDeliveryOfEachContainer) {
  cache("");
  server::Answers answers(deps(), config_);
  const server::PeerProcess one{"uid 0", 4711};
  const server::PeerProcess other{"uid 0", 4712};
  ASSERT_NE(answers.find("route example.com 7", one).frame, nullptr);
  EXPECT_NE(datagram(), "");
  ASSERT_NE(answers.find("route example.com 7", other).frame, nullptr);
  EXPECT_NE(datagram(), "");
  ASSERT_NE(answers.find("route example.com 7", one).frame, nullptr) << "another recipient of the first delivery";
  EXPECT_EQ(datagram(), "");
}

TEST_F(EximBySocket, R24AnUnlistedMxIsToldWhereMailIsRouted) {
  cache("enforce");
  EXPECT_EQ(ask("mode example.com 7"), "OK enforce\n");
  EXPECT_THAT(resolver_.mxs, IsEmpty());
  EXPECT_THAT(ask("route example.com 7"), StartsWith("OK enforce|"));
  answer_mx({{10, "mx.example.com"}, {20, "impostor.example.net"}});
  EXPECT_THAT(datagram(), AllOf(HasSubstr(R"("c":205)"), HasSubstr(R"("n":"impostor.example.net")")));
  EXPECT_EQ(datagram(), "");
}

// The connection is made and told.
TEST_F(EximBySocket, WhatIsOnlyObservedRefusesNoMx) {
  cache("enforce");
  EXPECT_EQ(ask("route example.com 7", true), "OK testing|\n");
  EXPECT_THAT(resolver_.mxs, IsEmpty());
}

TEST_F(EximBySocket, R29WhereDaneJudgesOneHostTheOtherUnlistedOnesAreTold) {
  cache("enforce", {"dane.example.net"});
  EXPECT_THAT(ask("route example.com 7"), StartsWith("OK enforce|"));
  ASSERT_THAT(resolver_.mxs, SizeIs(1));
  answer_mx({{10, "mx.example.com"}, {20, "Dane.example.net"}, {30, "impostor.example.net"}});
  EXPECT_THAT(datagram(), AllOf(HasSubstr(R"("n":"impostor.example.net")"),
                                HasSubstr(R"("mx-host":["mx.example.com"])"), Not(HasSubstr("dane."))));
  EXPECT_EQ(datagram(), "");
}

}  // namespace
}  // namespace mtasts
