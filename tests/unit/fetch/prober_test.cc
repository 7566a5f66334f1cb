// The prober against real MX hosts, good and bad (tests/lab/raw_mx.py). Built once for each TLS library: the verdicts
// must be the same. Certificates: mx_certificate_test.cc; hosts that mean harm: hostile_mx_test.cc.
#include "fetch/prober.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <optional>
#include <thread>

#include "fetch/fetcher.h"
#include "tests/unit/fetch/probing.h"
#include "tests/unit/no_more_descriptors.h"

namespace mtasts {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;
using test::lab_prober;
using test::mx_address;
using test::Probing;
using testing::AllOf;
using testing::ContainsRegex;
using testing::Ge;
using testing::HasSubstr;
using testing::Le;
using testing::MatchesRegex;

constexpr char kHost[] = "mx.good.test";
constexpr char kClosed[] = "127.0.0.9";

struct Verdict {
  const char* name;  // of the test
  const char* behaviour;
  std::optional<ErrorCode> error;  // absent: R25 is satisfied
  const char* says;
};

constexpr ErrorCode kNoStartTls = ErrorCode::kStartTlsNotSupported;
constexpr ErrorCode kTlsFails = ErrorCode::kValidationFailure;
constexpr ErrorCode kUnreachable = ErrorCode::kUnreachable;

const Verdict kVerdicts[] = {
    {"R25GoodHostPasses", "good", {}, ""},
    {"R25WhoIsSlowToGreetPasses", "slow_to_greet", {}, ""},
    {"R25StartTlsNotOffered", "no_starttls", kNoStartTls, "STARTTLS is not offered"},
    {"R25NoEhloNoStartTls", "ehlo_refused", kNoStartTls, "STARTTLS is not offered"},
    // RFC 5321 §2.4 would have it understood; but smtpd, too, knows it in upper case only, and would send in the clear.
    {"R25StartTlsInLowerCaseIsNoOffer", "lower_case", kNoStartTls, "STARTTLS is not offered"},
    {"R25StartTlsRefused", "starttls_refused", kNoStartTls, "STARTTLS is refused: 454 4.7.0 TLS not available"},
    {"R25TlsBefore12", "old_tls", kTlsFails, "TLS fails: "},
    {"R25ClosedInTheHandshake", "closes_in_handshake", kTlsFails, "TLS fails: "},
    {"ClosedAtOnce", "closes_at_once", kUnreachable, ""},
    {"ClosedAfterTheGreeting", "closes_after_greeting", kUnreachable, ""},
    {"ClosedAtStartTls", "closes_at_starttls", kUnreachable, ""},
    {"ClosedInsideTls", "closes_after_tls", kUnreachable, ""},
    {"GreetsWithATemporaryFailure", "greets_421", kUnreachable, "it answers 421 4.3.2 Too many"},
    {"GreetsWithAPermanentFailure", "greets_554", kUnreachable, "it answers 554 5.7.1 welcome .x1b"},
    {"PutsOffAtEhlo", "ehlo_put_off", kUnreachable, "it answers 421 4.3.2 Not now"},
    {"RefusesEhloInsideTls", "ehlo_refused_in_tls", kUnreachable, "it answers 554 5.7.1 Go away"},
    {"IsNoMailServer", "greets_in_http", kUnreachable, ""},
};

void PrintTo(const Verdict& verdict, std::ostream* out) { *out << verdict.behaviour; }

class MxHost : public testing::TestWithParam<Verdict> {};

TEST_P(MxHost, GetsItsVerdict) {
  const Verdict& verdict = GetParam();
  const auto result = Probing(lab_prober()).probe(kHost, {mx_address(verdict.behaviour)});
  if (!verdict.error) {
    ASSERT_TRUE(result) << result.error().detail;
    return;
  }
  ASSERT_FALSE(result);
  EXPECT_EQ(error_name(result.error().code), error_name(*verdict.error)) << result.error().detail;
  EXPECT_THAT(result.error().detail, ContainsRegex(verdict.says));
  EXPECT_THAT(result.error().detail, HasSubstr("mx.good.test (" + mx_address(verdict.behaviour) + "): "));
  EXPECT_EQ(result.error().detail.find('\n'), std::string::npos);
}

INSTANTIATE_TEST_SUITE_P(Probe, MxHost, testing::ValuesIn(kVerdicts), [](const auto& info) { return info.param.name; });

struct Silence {
  const char* behaviour;
  ErrorCode error;
};
class SilentMxHost : public testing::TestWithParam<Silence> {};

TEST_P(SilentMxHost, TheWholeProbeHasOneTimeLimit) {
  auto config = lab_prober();
  config.connect_timeout = seconds{1};  // there is a connection
  config.timeout = seconds{2};
  const auto begin = steady_clock::now();
  const auto result = Probing(config).probe(kHost, {mx_address(GetParam().behaviour), kClosed});
  ASSERT_FALSE(result);
  EXPECT_EQ(error_name(result.error().code), error_name(GetParam().error)) << result.error().detail;
  EXPECT_THAT(result.error().detail, HasSubstr("no answer in time"));
  EXPECT_THAT(steady_clock::now() - begin, AllOf(Ge(milliseconds{1900}), Le(seconds{4})));
}

INSTANTIATE_TEST_SUITE_P(Probe, SilentMxHost,
                         testing::Values(Silence{"silent", kUnreachable}, Silence{"silent_after_ehlo", kUnreachable},
                                         Silence{"silent_in_handshake", kTlsFails},
                                         Silence{"silent_after_tls", kUnreachable}),
                         [](const auto& info) { return std::string(info.param.behaviour); });

// What raw_mx.py noted of a session that came to its QUIT, with SNI = `host`, whom only this test visits.
std::string session_with(const std::string& host) {
  for (int i = 0; i < 300; ++i) {
    std::ifstream log(test::lab("DIR") + "/mx.log");
    for (std::string line; std::getline(log, line);)
      if (line.find(" sni=" + host + " ") != std::string::npos && line.ends_with("|QUIT")) return line;
    std::this_thread::sleep_for(milliseconds{10});
  }
  return "no session with " + host;
}

TEST(Prober, R32TellsWhatTheHostCallsItself) {
  Probing probing(lab_prober());
  EXPECT_EQ(probing.trial(kHost, {mx_address("good")}, MxProber::Sni::kSent).mx_helo, "mx.test");
  EXPECT_EQ(probing.trial(kHost, {kClosed}, MxProber::Sni::kSent).mx_helo, "");
}

TEST(Prober, R25SaysTheHostsNameInTlsAndNothingButWhatIsNeeded) {
  const std::string host = std::string(fetcher_tls_library()) + ".visited.test";
  ASSERT_TRUE(Probing(lab_prober()).probe(host, {mx_address("good")}));
  EXPECT_THAT(session_with(host),
              MatchesRegex("good sni=" + host + " alpn= said=EHLO [^| ]+.STARTTLS.EHLO [^| ]+.QUIT"));
}

TEST(Prober, R25LeavesOutSniWhereAskedToAndDemandsTheHostsNameAllTheSame) {
  Probing probing(lab_prober());
  const auto without = [&](const std::string& host) {
    return probing.trial(host, {mx_address("good")}, MxProber::Sni::kLeftOut).result;
  };
  EXPECT_TRUE(without(kHost)) << "the lab's MX hosts show the certificate of mx.good.test to who names none";
  EXPECT_THAT(session_with(""), MatchesRegex("good sni= alpn= said=EHLO [^| ]+.STARTTLS.EHLO [^| ]+.QUIT"));
  const auto refused = without("needs-sni.visited.test");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kCertificateHostMismatch) << refused.error().detail;
  EXPECT_THAT(refused.error().detail, HasSubstr("needs-sni.visited.test"));
  if (!test::lab_has_ipv6()) return;
  EXPECT_TRUE(probing.trial(kHost, {"::1"}, MxProber::Sni::kLeftOut).result);
}

TEST(Prober, R32TellsBothAddressesOfTheSession) {
  Probing probing(lab_prober());
  const auto passed = probing.trial(kHost, {kClosed, mx_address("good")});
  EXPECT_EQ(passed.mx_address, mx_address("good"));
  EXPECT_THAT(passed.own_address, testing::StartsWith("127."));
  const auto refused = probing.trial(kHost, {mx_address("no_starttls")});
  EXPECT_EQ(refused.mx_address, mx_address("no_starttls"));
  EXPECT_THAT(refused.own_address, testing::StartsWith("127."));
  EXPECT_EQ(probing.trial(kHost, {}).own_address, "");
}

TEST(Prober, DoesNotWaitForTheAnswerToItsQuit) {
  const auto begin = steady_clock::now();
  EXPECT_TRUE(Probing(lab_prober()).probe(kHost, {mx_address("silent_at_quit")}));
  EXPECT_LT(steady_clock::now() - begin, milliseconds{900});
}

TEST(Prober, TriesAddressesInTurn) {
  auto config = lab_prober();
  config.connect_timeout = seconds{1};
  Probing probing(config);
  const std::string good = mx_address("good");
  EXPECT_TRUE(probing.probe(kHost, {kClosed, good}));
  EXPECT_TRUE(probing.probe(kHost, {mx_address("greets_421"), mx_address("closes_at_once"), good}));
  EXPECT_TRUE(probing.probe(kHost, {good, kClosed}));
  EXPECT_TRUE(probing.probe(kHost, {"2001:db8::dead", good}));
  if (!test::lab_has_ipv6()) return;
  EXPECT_TRUE(probing.probe(kHost, {"::1", kClosed}));
  EXPECT_TRUE(probing.probe(kHost, {kClosed, "::1"}));
}

TEST(Prober, TheFirstAddressWithASessionDecides) {
  Probing probing(lab_prober());
  EXPECT_TRUE(probing.probe(kHost, {mx_address("good"), mx_address("no_starttls")}));
  const auto result = probing.probe(kHost, {mx_address("no_starttls"), mx_address("good")});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, kNoStartTls);
}

// A connection to 192.0.2.0/24 gets no answer, or is refused where there is no network at all.
TEST(Prober, ADeadAddressTakesItsShareOfTheTimeToConnectAndNoMore) {
  auto config = lab_prober();
  config.connect_timeout = seconds{1};
  Probing probing(config);
  const auto begin = steady_clock::now();
  const auto good = probing.probe(kHost, {"192.0.2.1", mx_address("good")});
  EXPECT_TRUE(good) << good.error().detail;
  const auto dead = probing.probe(kHost, {"192.0.2.1", "192.0.2.2"});
  ASSERT_FALSE(dead);
  EXPECT_EQ(dead.error().code, kUnreachable);
  EXPECT_THAT(dead.error().detail, HasSubstr("192.0.2.2"));
  EXPECT_LT(steady_clock::now() - begin, milliseconds{2500});
}

TEST(Prober, ConnectsToNobodyWithoutAnAddress) {
  Probing probing(lab_prober());
  for (const std::vector<std::string>& none :
       {std::vector<std::string>{}, {"mx.good.test"}, {"127.0.25.1:25"}, {""}, {"127.0.25.1\n"}}) {
    const auto result = probing.probe("localhost.localdomain", none);
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, kUnreachable) << result.error().detail;
    EXPECT_THAT(result.error().detail, ContainsRegex("no address$"));
  }
}

TEST(Prober, TriesNoMoreThanEightAddresses) {
  std::vector<std::string> addresses(8, kClosed);
  Probing probing(lab_prober());
  addresses.back() = mx_address("good");
  EXPECT_TRUE(probing.probe(kHost, addresses));
  addresses.insert(addresses.begin(), kClosed);
  EXPECT_FALSE(probing.probe(kHost, addresses));
}

TEST(Prober, TakesNothingButAHostName) {
  Probing probing(lab_prober());
  for (const char* host : {"", "mx", "127.0.0.1", "mx.good.test/x", "mx.good.test:25", "a@mx.good.test",
                           "mx.good.test\r\nRSET", "[::1]"}) {
    const auto result = probing.probe(host, {mx_address("good")});
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, ErrorCode::kInvalidName) << host;
  }
  EXPECT_TRUE(probing.probe("MX.Good.Test.", {mx_address("good")}));
}

TEST(Prober, ProbesManyAtATimeWithinTheLimit) {
  auto config = lab_prober();
  config.max_in_flight = 10;
  Probing probing(config);
  constexpr int kProbes = 40;
  int ended = 0;
  int failed = 0;
  for (int i = 0; i < kProbes; ++i)
    probing.begin("h" + std::to_string(i) + ".visited.test", {mx_address("good")}, [&](auto result) {
      failed += result ? 0 : 1;
      if (++ended == kProbes) probing.loop().stop();
    });
  probing.loop().run();
  EXPECT_EQ(ended, kProbes);
  EXPECT_EQ(failed, 0);
}

TEST(Prober, ProbesSoManyAtOneAddressAndSendsAwayWhoWaitsTooLong) {
  auto config = lab_prober();
  config.timeout = seconds{1};
  config.max_per_address = 1;
  Probing probing(config);
  std::string order;
  const auto probe = [&](const char* host, const char* behaviour, char mark) {
    probing.begin(host, {mx_address(behaviour)}, [&, mark](auto result) {
      order += mark;
      order += result ? '+' : (result.error().code == ErrorCode::kNotTried ? '?' : '-');
      if (order.size() == 8) probing.loop().stop();
    });
  };
  probe("a.visited.test", "silent", 'a');
  probe("b.visited.test", "silent", 'b');  // another name of the same machine: waits
  probe("c.visited.test", "silent", 'c');
  probe("d.visited.test", "good", 'd');
  const auto begin = steady_clock::now();
  probing.loop().run();
  EXPECT_EQ(order.substr(0, 2), "d+");
  EXPECT_THAT(order, testing::AnyOf("d+a-b?c?", "d+b?c?a-", "d+a-b-c?", "d+a-c?b-"));
  EXPECT_LT(steady_clock::now() - begin, milliseconds{2500});
}

TEST(Prober, SaysThatItWasNotTriedForWantOfRoom) {
  auto config = lab_prober();
  config.timeout = seconds{1};
  config.max_in_flight = 1;
  Probing probing(config);
  int refused = 0;
  int ended = 0;
  for (int i = 0; i < 5; ++i)
    probing.begin("h" + std::to_string(i) + ".visited.test", {mx_address("drips")}, [&](auto result) {
      refused += result.error().code == ErrorCode::kNotTried &&
                         result.error().detail.ends_with("too many probes are under way, waited 1 s")
                     ? 1
                     : 0;
      if (++ended == 5) probing.loop().stop();
    });
  probing.loop().run();
  EXPECT_GE(refused, 3);
}

TEST(Prober, MayBeAskedFromInsideACallback) {
  Probing probing(lab_prober());
  bool done = false;
  probing.begin(kHost, {kClosed}, [&](auto) {
    probing.begin(kHost, {mx_address("good")}, [&](auto result) {
      done = result.has_value();
      probing.loop().stop();
    });
  });
  probing.loop().run();
  EXPECT_TRUE(done);
}

TEST(Prober, DropsTheProbesUnderWayAtItsEnd) {
  auto config = lab_prober();
  config.max_in_flight = 2;
  Probing probing(config);
  bool called = false;
  const auto note = [&](auto) { called = true; };
  probing.begin("a.visited.test", {mx_address("silent_in_handshake")}, note);
  probing.begin("b.visited.test", {"192.0.2.1"}, note);
  probing.begin("c.visited.test", {mx_address("good")}, note);
  const auto watch = probing.loop().after(milliseconds{300}, [&] { probing.loop().stop(); });
  probing.loop().run();
  called = false;  // there may be no network to 192.0.2.1
  probing.destroy_prober();
  const auto end = probing.loop().after(milliseconds{50}, [&] { probing.loop().stop(); });
  probing.loop().run();
  EXPECT_FALSE(called);
}

TEST(Prober, IsOfNoUseInAChild) {
  Probing probing(lab_prober());
  const pid_t child = fork();
  if (child == 0) {
    const auto result = probing.probe(kHost, {mx_address("good")});
    _exit(!result && result.error().code == ErrorCode::kInternal ? 0 : 1);
  }
  int status = -1;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

TEST(Prober, IgnoresProxiesOfTheEnvironment) {
  for (const char* name : {"smtp_proxy", "all_proxy", "ALL_PROXY"}) setenv(name, "http://127.0.0.9:1", 1);
  const auto result = Probing(lab_prober()).probe(kHost, {mx_address("good")});
  for (const char* name : {"smtp_proxy", "all_proxy", "ALL_PROXY"}) unsetenv(name);
  EXPECT_TRUE(result) << result.error().detail;
}

TEST(Prober, R25TrustsNobodyButTheGivenFile) {
  auto config = lab_prober();
  config.ca_file = "/etc/ssl/certs/ca-certificates.crt";  // the lab's root is not in it
  const auto result = Probing(config).probe(kHost, {mx_address("good")});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::kCertificateNotTrusted);
}

// A fault of this machine, not of the MX host.
TEST(Prober, DoesNotStartWithoutAFileOfTrustedAuthorities) {
  auto loop = make_event_loop();
  auto config = lab_prober();
  for (const char* path : {"/nonexistent/ca.crt", "/etc/ssl/certs", "/etc/passwd"}) {
    config.ca_file = path;
    const auto prober = make_prober(**loop, config);
    ASSERT_FALSE(prober) << path;
    EXPECT_EQ(prober.error().code, ErrorCode::kLocalFault);
    EXPECT_THAT(prober.error().detail, HasSubstr(path));
  }
}

// R25, R32: an MX that would have answered is not told to have failed.
TEST(Prober, R25ATimeLimitThatPassedWhileTheProcessStoodStillIsNoFailureOfTheHost) {
  for (const char* behaviour : {"silent", "silent_in_handshake"}) {
    auto config = lab_prober();
    config.timeout = seconds{1};
    Probing probing(config);
    const auto stall = probing.loop().after(milliseconds{300}, [] { std::this_thread::sleep_for(milliseconds{900}); });
    const auto result = probing.probe(kHost, {mx_address(behaviour)});
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, ErrorCode::kNotTried) << behaviour << ": " << result.error().detail;
    EXPECT_THAT(result.error().detail, HasSubstr("stood still"));
  }
}

TEST(Prober, WithoutADescriptorTheFaultIsHere) {
  Probing probing(lab_prober());
  ASSERT_TRUE(probing.probe(kHost, {mx_address("good")}));  // whatever libraries open once is open
  const std::string address = mx_address("good");
  const auto result = [&] {
    const test::NoMoreDescriptors none;
    return probing.probe(kHost, {address});
  }();
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::kLocalFault) << result.error().detail;
  EXPECT_THAT(result.error().detail, HasSubstr("Too many open files"));
}

}  // namespace
}  // namespace mtasts
