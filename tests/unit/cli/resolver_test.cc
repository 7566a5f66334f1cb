// Whether resolvers answer and validate, asked over TCP as mtasts asks those that mtasts.toml names.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/unit/cli/status_fixture.h"
#include "tests/unit/dns/scripted_server.h"

namespace mtasts::cli {
namespace {

using setup::ResolverState;
using test::ScriptedServer;
using testing::AllOf;
using testing::HasSubstr;

constexpr unsigned kGood = 0x8180;  // QR, RD, RA
constexpr unsigned kAd = 0x0020;
constexpr unsigned kServerFailure = 0x0002;

// Answers the question for the root zone and that of class CH with these flags.
ScriptedServer::Script with_flags(unsigned root, unsigned chaos) {
  return [root, chaos](const test::Query& query) {
    const bool is_chaos = query.query_class == 3;
    return test::Message{.flags = is_chaos ? chaos : root, .answer = {test::soa(60, 60)}}.to(query);
  };
}

ResolverState look(const std::vector<std::string>& addresses, bool ad_may_count = true) {
  std::vector<ResolverAddress> resolvers;
  for (const std::string& address : addresses) resolvers.push_back(*parse_resolver_address(address));
  return setup::look_at_resolvers(resolvers, 1s, ad_may_count);
}

TEST(LookAtResolvers, ValidatesByTheRootZoneAndOnlyWhereThereIsDnssec) {
  const ScriptedServer validating(with_flags(kGood | kAd, kGood));
  const ScriptedServer plain(with_flags(kGood, kGood));
  const ScriptedServer boasting(with_flags(kGood | kAd, kGood | kAd));
  EXPECT_EQ(look({validating.address()}), ResolverState::kValidates);
  EXPECT_EQ(look({validating.address()}, false), ResolverState::kAnswers);
  EXPECT_EQ(look({plain.address()}), ResolverState::kAnswers);
  EXPECT_EQ(look({boasting.address()}), ResolverState::kAnswers);
  EXPECT_EQ(look({validating.address(), plain.address()}), ResolverState::kAnswers);
  EXPECT_EQ(look({plain.address(), validating.address()}), ResolverState::kAnswers);
}

TEST(LookAtResolvers, FailuresAreNoAnswers) {
  const ScriptedServer failing(with_flags(kGood | kServerFailure, kGood));
  const ScriptedServer closing([](const test::Query&) { return std::nullopt; });
  const ScriptedServer empty([](const test::Query& query) { return test::Message{}.to(query); });
  const ScriptedServer validating(with_flags(kGood | kAd, kGood), ScriptedServer::Manner::kPieces);
  const ScriptedServer silent([](const test::Query&) { return std::string(); });
  EXPECT_EQ(look({failing.address()}), ResolverState::kSilent);
  EXPECT_EQ(look({closing.address()}), ResolverState::kSilent);
  EXPECT_EQ(look({empty.address()}), ResolverState::kSilent);
  EXPECT_EQ(look({"127.0.0.1:1"}), ResolverState::kSilent);
  EXPECT_EQ(look({silent.address()}), ResolverState::kSilent) << "after a second";
  EXPECT_EQ(look({"127.0.0.1:1", validating.address()}), ResolverState::kValidates) << "another one answers";
}

TEST_F(StatusTest, ResolversThatMtastsTomlNamesAreAsked) {
  const auto name = [this](const std::string& lines) {
    std::ofstream(config_) << "[cache]\ndirectory = \"" << store_ << "\"\n[dns]\n" << lines;
  };
  resolver_ = ResolverState::kSilent;  // nobody needs this machine's
  const ScriptedServer server(with_flags(kGood | kAd, kGood));
  name("resolvers = [\"" + server.address() + "\"]\ntrust_ad = \"always\"\n");
  EXPECT_EQ(run(false), kStatusOk) << out_.str();
  EXPECT_THAT(out_.str(), HasSubstr("resolver    validates DNSSEC\n"));
  name("resolvers = [\"" + server.address() + "\"]\ntrust_ad = \"never\"\n");
  EXPECT_EQ(run(true), kStatusOk);
  EXPECT_EQ(nlohmann::json::parse(out_.str())["resolver"]["validates"], false);
  name("resolvers = [\"127.0.0.1:1\"]\n");
  EXPECT_EQ(run(false), kStatusCritical);
  EXPECT_THAT(out_.str(), AllOf(HasSubstr("critical: no resolver of dns.resolvers in mtasts.toml answers over TCP"),
                                HasSubstr("resolver    does not answer\n")));
  name("resolvers = [\"127.0.0.1:1\"]\ntransport = \"tls\"\n");
  EXPECT_EQ(run(true), kStatusOk);
  const auto json = nlohmann::json::parse(out_.str())["resolver"];
  EXPECT_TRUE(json["answers"].is_null());
  EXPECT_EQ(json["reason"], "asked over TLS, which is not tried here; see mtasts query");
}

}  // namespace
}  // namespace mtasts::cli
