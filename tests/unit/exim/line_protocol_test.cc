// What is asked by lines is answered as the functions of mtasts.so answer it.
#include "adapters/exim/line_protocol.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "adapters/exim/request_line.h"
#include "adapters/exim/route.h"
#include "tests/unit/cost.h"
#include "tests/unit/module/fake_log.h"

namespace mtasts {
namespace {

using server::Cut;
using testing::AllOf;
using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using testing::StartsWith;

Decision enforced() {
  Decision decision;
  decision.kind = Decision::Kind::kPolicy;
  decision.mode = Mode::kEnforce;
  decision.domain = "example.com";
  decision.id = "1";
  decision.mx = {"mx.example.com"};
  return decision;
}

class EximLines : public testing::Test {
 protected:
  // The answer to a request whose domain, if it has one, has this decision.
  std::string ask(const std::string& request, const Decision& decision = enforced(),
                  const server::PeerProcess& process = {"uid 0"}) {
    asked_for_.clear();
    auto reading = protocol_.read(request, process, [&](const Domain& domain) {
      asked_for_ = domain.text();
      return decision;
    });
    if (reading.answer) return reading.answer->frame;
    asked_for_ = reading.question->domain.text();
    return protocol_.answer(*reading.question, decision).frame;
  }
  static std::string event(const std::string& name, const std::string& data, const std::string& session,
                           const std::string& error = "0") {
    return "event \"" + name + "\" \"" + data + "\" example.com mx.example.com 192.0.2.1 " + error + " \"" + session +
           '"';
  }

  std::shared_ptr<Lines> log_ = std::make_shared<Lines>();
  FakeLog sink_{log_};
  EximProtocol protocol_{sink_};
  std::string asked_for_;
};

TEST_F(EximLines, PingIsAnsweredWithTheVersion) {
  EXPECT_EQ(ask("ping"), "OK mtasts " MTASTS_VERSION "\n");
  EXPECT_TRUE(protocol_.is_ping("ping"));
  EXPECT_FALSE(protocol_.is_ping("ping 1"));
}

TEST_F(EximLines, RouteAnswersWithHostLists) {
  EXPECT_EQ(ask("route example.com"), "OK " + route_text(enforced()).value() + "\n");
  EXPECT_EQ(ask("route \"Example.COM\""), "OK " + route_text(enforced()).value() + "\n");
  EXPECT_EQ(asked_for_, "example.com");
  EXPECT_EQ(ask("route example.com", no_policy("none")), "OK \n");
}

TEST_F(EximLines, ModeAnswersWithAWord) {
  EXPECT_EQ(ask("mode example.com"), "OK enforce\n");
  EXPECT_EQ(ask("mode example.com", no_policy("none")), "OK none\n");
  Decision dane = enforced();
  dane.dane = DaneState::kUsable;
  EXPECT_EQ(ask("mode example.com", dane), "OK dane\n");
}

TEST_F(EximLines, WhatHasNoPolicyDomainCostsNoLookup) {
  for (const char* domain : {"\"[192.0.2.1]\"", "localhost", "\"a b\"", "\"\xff\""}) {
    EXPECT_EQ(ask("route " + std::string(domain)), "OK \n") << domain;
    EXPECT_EQ(ask("mode " + std::string(domain)), "OK none\n") << domain;
    EXPECT_THAT(asked_for_, IsEmpty());
  }
}

TEST_F(EximLines, AReasonToDeferIsOneLine) {
  Decision waits = enforced();
  waits.kind = Decision::Kind::kDefer;
  waits.reason = "the fetch failed:\nOK \n" + std::string(1000, 'x');
  for (const char* request : {"route example.com", "mode example.com"}) {
    const std::string answer = ask(request, waits);
    EXPECT_THAT(answer, StartsWith("DEFER MTA-STS: the fetch failed:\\x0aOK \\x0ax"));
    EXPECT_EQ(std::ranges::count(answer, '\n'), 1);
    EXPECT_LT(answer.size(), 600U);
  }
  EXPECT_EQ(protocol_.temporary("out of service").frame, "DEFER MTA-STS: out of service\n");
}

TEST_F(EximLines, R29AModeWaitsWhereDaneIsUnknown) {
  Decision unknown = enforced();
  unknown.dane = DaneState::kFailed;
  unknown.dane_reason = "no DNSSEC";
  EXPECT_EQ(ask("mode example.com", unknown), "DEFER MTA-STS: no DNSSEC\n");
}

// Whoever may connect can name as many processes as he likes, and an MX as many names as a certificate holds.
TEST_F(EximLines, WhatIsKeptOfManyProcessesIsLittle) {
  std::string names;
  while (names.size() < 30'000) names += "a:";
  const test::Cost cost;
  for (int process = 0; process < 1200; ++process)
    ask(event("tls:cert", "0", "mode=enforce pid=" + std::to_string(process) + " san=" + names));
  cost.expect_within(std::chrono::minutes(1), 100);
}

TEST_F(EximLines, R32AMessagesIdSaysForWhichDeliveryItIsAskedAndAnEmptyOneForNone) {
  const auto question = [this](const std::string& request) {
    return *protocol_.read(request, {"uid 0"}, [](const Domain&) { return no_policy(""); }).question;
  };
  const auto routed = question("route a.example 7 1rXyz0-000000001Ab-2Cde");
  EXPECT_EQ(routed.message, "1rXyz0-000000001Ab-2Cde");
  EXPECT_EQ(routed.process, "uid 0 7");
  EXPECT_TRUE(routed.is_delivery);
  EXPECT_FALSE(question("route a.example 7 \"\"").is_delivery);
  EXPECT_TRUE(question("route a.example 7").is_delivery) << "examples of before do not tell";
  EXPECT_FALSE(question("mode a.example 7").is_delivery);
}

TEST_F(EximLines, WhatIsNoRequestIsRefusedWithAReason) {
  EXPECT_THAT(ask("GET / HTTP/1.1"), StartsWith("ERROR mtastsd: "));
  EXPECT_THAT(ask("lookup example.com"), AllOf(StartsWith("ERROR "), HasSubstr("route, mode, event")));
  EXPECT_THAT(ask("route"), StartsWith("ERROR "));
  EXPECT_THAT(ask("route a.example b.example"), StartsWith("ERROR "));
  EXPECT_THAT(ask("route a.example 7 \"no ID\""), AllOf(StartsWith("ERROR "), HasSubstr("$message_exim_id")));
  EXPECT_THAT(ask("route a.example x 1rXyz0-1"), StartsWith("ERROR "));
  EXPECT_THAT(ask("mode a.example 7 1rXyz0-1"), StartsWith("ERROR "));
  EXPECT_THAT(ask("mode \"\""), AllOf(StartsWith("ERROR "), HasSubstr("the domain is empty")));
  EXPECT_THAT(ask("event too few"), AllOf(StartsWith("ERROR "), HasSubstr("seven words")));
  EXPECT_THAT(ask(event("tcp:connect", "", "mode=none")), StartsWith("ERROR "));
  EXPECT_THAT(log_->lines, Contains(HasSubstr("event=exim-request-refused")));
}

TEST_F(EximLines, R25ACertificateWithoutADnsNameIsVetoed) {
  EXPECT_THAT(ask(event("tls:cert", "0", "mode=enforce tlsa= cv=1 ver=TLS1.3 pid=7 notafter=9999999999 san=")),
              StartsWith("OK the certificate has no DNS name"));
  EXPECT_EQ(ask(event("tls:cert", "0", "mode=enforce pid=7 san=mx.example.com")), "OK \n");
  EXPECT_THAT(ask(event("tls:cert", "0", "mode=enforce pid=7 san=::")), HasSubstr("no DNS name"));
  EXPECT_EQ(ask(event("tls:cert", "0", "mode=testing pid=7 san=")), "OK \n");
}

// One process made a connection to a host with an expired certificate, another one to a good one meanwhile.
TEST_F(EximLines, EventsOfProcessesAreKeptApart) {
  ask(event("tcp:connect", "", "mode=enforce pid=1"));
  ask(event("tls:cert", "0", "mode=enforce pid=1 notafter=1000000000 san=mx.example.com"));
  ask(event("tcp:connect", "", "mode=enforce pid=2"));
  ask(event("tcp:connect", "", "mode=enforce pid=1"), enforced(), {"192.0.2.1"});  // the same number on another machine
  log_->lines.clear();
  ask(event("msg:host:defer", "failed", "mode=enforce pid=1", "-37"));
  EXPECT_THAT(log_->lines, Contains(HasSubstr("certificate-expired")));
}

// Each container numbers its processes from 1, and all of them have the same user.
TEST_F(EximLines, ProcessesOfContainersThatShareTheSocketAreKeptApart) {
  const server::PeerProcess one{"uid 100", 4711};
  const server::PeerProcess other{"uid 100", 4712};
  ask(event("tcp:connect", "", "mode=enforce pid=1"), enforced(), one);
  ask(event("tls:cert", "0", "mode=enforce pid=1 notafter=1000000000 san=mx.example.com"), enforced(), one);
  ask(event("tcp:connect", "", "mode=enforce pid=1"), enforced(), other);
  log_->lines.clear();
  ask(event("msg:host:defer", "failed", "mode=enforce pid=1", "-37"), enforced(), one);
  EXPECT_THAT(log_->lines, Contains(HasSubstr("certificate-expired")));
  const auto name = [this](const server::PeerProcess& process) {
    return protocol_.read("route a.example 7", process, [](const Domain&) { return no_policy(""); }).question->process;
  };
  EXPECT_NE(name(one), name(other));
  EXPECT_EQ(name(one), name(one));
}

TEST_F(EximLines, R27TestingReportsAHostThatThePolicyDoesNotList) {
  Decision testing = enforced();
  testing.mode = Mode::kTesting;
  testing.mx = {"other.example.com"};
  ask(event("tcp:connect", "", "mode=testing pid=1"), testing);
  EXPECT_EQ(asked_for_, "example.com");
  ask(event("smtp:ehlo", "250 x", "mode=testing pid=1"), testing);
  EXPECT_THAT(log_->lines, Contains(HasSubstr("does not list this MX")));
}

TEST_F(EximLines, APeersBytesStayInTheirWord) {
  ask(event("tcp:connect", "", "mode=enforce pid=1"));
  ask(event("msg:host:defer", R"(x\nroute \"y\" result=forged)", "mode=enforce pid=1", "-38"));
  EXPECT_THAT(log_->lines, SizeIs(1));
  EXPECT_THAT(log_->lines.front(), AllOf(HasSubstr("starttls-not-supported"), Not(HasSubstr("\n"))));
}

// A client needs no connection for an event, and may name as many processes and hosts as it likes.
TEST_F(EximLines, EventsWriteABoundedNumberOfLines) {
  constexpr int kEvents = 2000;
  for (int i = 0; i < kEvents; ++i)
    ask(event("msg:host:defer", "no STARTTLS", "mode=enforce pid=" + std::to_string(i), "-38"));
  EXPECT_GE(log_->lines.size(), 600U);
  EXPECT_LT(log_->lines.size(), 2 * 600U) << "a minute may have begun meanwhile";
  EXPECT_THAT(ask(event("tls:cert", "0", "mode=enforce pid=7")), StartsWith("OK the certificate has no DNS name"));
}

// What a message may wait for, whatever number of recipients it has: one deadline for the lookups of a process.
TEST_F(EximLines, TheLookupsOfAProcessHaveOneDeadlineTogether) {
  using std::chrono::milliseconds;
  const auto question = [this](const std::string& request, const char* peer = "uid 0") {
    return *protocol_.read(request, {peer}, [](const Domain&) { return no_policy(""); }).question;
  };
  EXPECT_EQ(question("route a.example 7").process, "uid 0 7");
  EXPECT_EQ(question("mode a.example 7", "uid 1").process, "uid 1 7");
  EXPECT_EQ(question("route a.example").process, "");
  const milliseconds most{10'000};
  const auto lookup = [&](const std::string& request, const char* peer = "uid 0") {
    const auto asked = question(request, peer);
    const milliseconds allowed = protocol_.begin(asked, most);
    const auto begin = std::chrono::steady_clock::now();
    while (std::chrono::steady_clock::now() - begin < milliseconds(3)) {
    }
    protocol_.ended(asked);
    return allowed;
  };
  EXPECT_EQ(lookup("route a.example 7"), most);
  const milliseconds left = lookup("mode b.example 7");
  EXPECT_LT(left, most) << "the first one has used some of it";
  EXPECT_LT(lookup("route c.example 7"), left);
  EXPECT_EQ(lookup("route a.example 8"), most) << "another process";
  EXPECT_EQ(lookup("route a.example 7", "uid 1"), most) << "the same number of another peer's";
  EXPECT_EQ(lookup("route a.example"), most) << "a process that does not say who it is";
  EXPECT_EQ(lookup("route a.example"), most);
}

TEST(EximFraming, CutsLines) {
  const Cut two = kEximFraming.cut("route a.example\nroute b");
  EXPECT_EQ(two.kind, Cut::Kind::kComplete);
  EXPECT_EQ(two.payload, "route a.example");
  EXPECT_EQ(two.consumed, 16U);
  EXPECT_EQ(kEximFraming.cut("route a.example").kind, Cut::Kind::kIncomplete);
}

TEST(EximFraming, ALineHasAnEnd) {
  EXPECT_EQ(kEximFraming.cut(std::string(kMaxRequestLine - 1, 'x')).kind, Cut::Kind::kIncomplete);
  EXPECT_EQ(kEximFraming.cut(std::string(kMaxRequestLine - 1, 'x') + "\n").kind, Cut::Kind::kComplete);
  EXPECT_EQ(kEximFraming.cut(std::string(kMaxRequestLine, 'x')).kind, Cut::Kind::kMalformed);
  EXPECT_EQ(kEximFraming.cut(std::string(kMaxRequestLine, 'x') + "\n").kind, Cut::Kind::kMalformed);
}

}  // namespace
}  // namespace mtasts
