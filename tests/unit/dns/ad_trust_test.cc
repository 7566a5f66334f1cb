// Whose AD bit counts: the rules, and resolvers that validate, relay, or set AD on everything.
#include "dns/ad_trust.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "tests/unit/dns/asking.h"
#include "tests/unit/dns/scripted_server.h"
#include "tests/unit/lab.h"

namespace mtasts {
namespace {

using std::chrono::seconds;
using test::Asking;
using test::asking_at;
using test::lab;
using test::Message;
using test::Query;
using test::rr;
using test::ScriptedServer;
using test::wire_name;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using Setting = ResolverConfig::TrustAd;
using Verdict = ResolverConfig::AdVerdict;

ResolvConf servers(const std::vector<std::string>& addresses, bool trusts_ad = false) {
  ResolvConf found = resolvers_of(addresses).value();
  found.trusts_ad = trusts_ad;
  return found;
}

AdTrust trust(Setting setting, const std::string& address, bool trusts_ad = false) {
  return ad_rules(setting, servers({address}, trusts_ad)).front().trust;
}

TEST(AdRules, ALoopbackAddressIsNoReasonForTrust) {
  for (const char* address : {"127.0.0.11", "127.0.0.53", "127.0.0.2:5353", "192.0.2.1", "2001:db8::1"})
    EXPECT_EQ(trust(Setting::kLoopback, address), AdTrust::kNo) << address;
  for (const char* address : {"127.0.0.1", "127.0.0.1:5353", "::1", "[::1]:5353"})
    EXPECT_EQ(trust(Setting::kLoopback, address), AdTrust::kWhenSeenToValidate) << address;
}

TEST(AdRules, TheAdministratorsWordCounts) {
  for (const char* address : {"127.0.0.53", "192.0.2.1", "127.0.0.1"}) {
    EXPECT_EQ(trust(Setting::kLoopback, address, true), AdTrust::kYes) << address << " with options trust-ad";
    EXPECT_EQ(trust(Setting::kAlways, address), AdTrust::kYes) << address;
    EXPECT_EQ(trust(Setting::kNever, address, true), AdTrust::kNo) << address;
  }
}

TEST(AdRules, OneThatDeservesNoTrustSpoilsItForAll) {
  const auto rules = ad_rules(Setting::kLoopback, servers({"127.0.0.1", "192.0.2.1"}));
  ASSERT_THAT(rules, SizeIs(2));
  for (const auto& rule : rules) {
    EXPECT_EQ(rule.trust, AdTrust::kNo);
    EXPECT_THAT(rule.reason, HasSubstr("192.0.2.1"));
  }
}

TEST(JudgeAd, TheRootGoesBeforeTheOwnQuestion) {
  const AdSight nothing{};
  const AdSight validated{true, true};
  const AdSight only_signed{false, true};
  const AdSight only_ad{true, false};
  EXPECT_EQ(judge_ad({nothing, validated, nothing}).trust, AdTrust::kYes);
  EXPECT_EQ(judge_ad({nothing, nothing, validated}).trust, AdTrust::kYes) << "a laboratory without the root";
  EXPECT_EQ(judge_ad({nothing, only_signed, validated}).trust, AdTrust::kNo);
  EXPECT_EQ(judge_ad({nothing, nothing, only_signed}).trust, AdTrust::kNo);
  EXPECT_EQ(judge_ad({nothing, only_ad, only_ad}).trust, AdTrust::kWhenSeenToValidate);
  EXPECT_EQ(judge_ad({nothing, nothing, nothing}).trust, AdTrust::kWhenSeenToValidate);
  EXPECT_EQ(judge_ad({only_ad, validated, validated}).trust, AdTrust::kNo) << "it sets AD on everything";
}

class AdCheckTest : public testing::Test {
 protected:
  Asking asking(const std::string& address, Setting setting = Setting::kLoopback) {
    auto config = asking_at({address});
    config.timeout = seconds{1};
    config.trust_ad = setting;
    config.on_ad = [this](const Verdict& verdict) { verdicts_.push_back(verdict); };
    return Asking(config);
  }
  std::vector<Verdict> verdicts_;
};

constexpr unsigned kAd = 0x20;  // in the second octet of the flags

// Hands questions on to a resolver or name server of the lab, and what it likes of the flags with the answers.
class Relay {
 public:
  Relay(const std::string& to, bool sets_ad) : sets_ad_(sets_ad) {
    const auto colon = to.find(':');
    port_ = static_cast<std::uint16_t>(std::stoi(to.substr(colon + 1)));
  }
  std::optional<std::string> operator()(const Query& query) const {
    const int connection = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(port_);
    EXPECT_EQ(::connect(connection, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
    const std::string framed = test::u16(static_cast<unsigned>(query.bytes.size())) + query.bytes;
    ::send(connection, framed.data(), framed.size(), MSG_NOSIGNAL);
    std::string reply(2, '\0');
    ::recv(connection, reply.data(), 2, MSG_WAITALL);
    reply.resize(2 + (static_cast<unsigned char>(reply[0]) << 8U | static_cast<unsigned char>(reply[1])));
    ::recv(connection, reply.data() + 2, reply.size() - 2, MSG_WAITALL);
    ::close(connection);
    if (sets_ad_) reply.at(2 + 3) = static_cast<char>(static_cast<unsigned char>(reply.at(2 + 3)) | kAd);
    return reply;
  }

 private:
  std::uint16_t port_;
  bool sets_ad_;
};

TEST_F(AdCheckTest, OneThatValidatesIsTrusted) {
  auto asked = asking(lab("RESOLVER"));
  EXPECT_TRUE(asked.mx("signed.test")->authenticated);
  EXPECT_FALSE(asked.mx("good.test")->authenticated);
  EXPECT_TRUE(asked.addresses("mx1.signed.test")->authenticated);
  ASSERT_THAT(verdicts_, SizeIs(1));
  EXPECT_TRUE(verdicts_[0].counts);
  EXPECT_EQ(verdicts_[0].resolver, lab("RESOLVER"));
  EXPECT_THAT(verdicts_[0].reason, HasSubstr("it validates"));
}

TEST_F(AdCheckTest, ARelayThatSetsAdOnEverythingIsNot) {
  const ScriptedServer relay(Relay(lab("AUTH"), true));
  EXPECT_FALSE(asking(relay.address()).mx("signed.test")->authenticated);
  ASSERT_THAT(verdicts_, SizeIs(1));
  EXPECT_FALSE(verdicts_[0].counts);
  EXPECT_THAT(verdicts_[0].reason, HasSubstr("where nothing can be signed"));
  EXPECT_TRUE(asking(relay.address(), Setting::kAlways).mx("signed.test")->authenticated) << "the administrator's word";
}

// AD for what is asked for, as an attacker on the way behind a relay can send it, and no signatures.
std::string forged(const Query& query) {
  Message message;
  if (query.query_class == 1 && query.type == test::kMx) {
    message.flags |= kAd;
    message.answer = {rr(query.name, test::kMx, 60, test::u16(10) + wire_name("mx.evil.test"))};
  }
  return message.to(query);
}

TEST_F(AdCheckTest, AdWithoutSignaturesIsNot) {
  const ScriptedServer server(forged);
  auto asked = asking(server.address());
  EXPECT_FALSE(asked.mx("signed.test")->authenticated);
  EXPECT_FALSE(asked.mx("other.test")->authenticated);
  EXPECT_EQ(server.queries(), 2 + 3) << "nothing could be seen: not asked again for a minute";
  ASSERT_THAT(verdicts_, SizeIs(1));
  EXPECT_THAT(verdicts_[0].reason, HasSubstr("it gives no signatures"));
}

TEST_F(AdCheckTest, OneThatLeavesAdAwayWhereTheRootIsSignedIsNot) {
  const ScriptedServer server([](const Query& query) {
    constexpr unsigned kRrsig = 46;
    const std::string signature =
        test::u16(query.type) + std::string("\x08\x00", 2) + std::string(14, '\1') + '\0' + std::string(32, 's');
    Message message;
    if (query.type == test::kSoa) message.answer = {rr(query.name, kRrsig, 60, signature)};
    if (query.type != test::kMx) return message.to(query);
    message.flags |= kAd;
    message.answer = {rr(query.name, test::kMx, 60, test::u16(10) + wire_name("mx.evil.test")),
                      rr(query.name, kRrsig, 60, signature)};
    return message.to(query);
  });
  EXPECT_FALSE(asking(server.address()).mx("signed.test")->authenticated);
  ASSERT_THAT(verdicts_, SizeIs(1));
  EXPECT_THAT(verdicts_[0].reason, HasSubstr("its answer for the root is signed and has no AD"));
}

TEST_F(AdCheckTest, AnswersWithoutAdWaitForNothing) {
  const ScriptedServer server([](const Query& query) { return Message{}.to(query); });
  EXPECT_FALSE(asking(server.address()).mx("good.test")->authenticated);
  EXPECT_EQ(server.queries(), 1);
  EXPECT_THAT(verdicts_, IsEmpty());
}

// Many answers at the same time: one check.
TEST_F(AdCheckTest, IsMadeOnceInAResolversLife) {
  const ScriptedServer relay(Relay(lab("RESOLVER"), false));
  auto asked = asking(relay.address());
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(asked.mx("signed.test")->authenticated);
  EXPECT_EQ(relay.queries(), 3 + 3);
}

}  // namespace
}  // namespace mtasts
