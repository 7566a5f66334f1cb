#include "adapters/exim/host.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <initializer_list>

#include "module/io/wall_clock.h"
#include "tests/unit/module/fake_log.h"
#include "tests/unit/module/scratch.h"

namespace mtasts {
namespace {

using testing::HasSubstr;

// A host on a store of its own. Its resolver is a closed port: what the store does not know, nobody can tell.
class EximHostTest : public testing::Test {
 protected:
  EximHostTest() {
    std::filesystem::create_directory(scratch_.path() + "/store");
    configure("[dns]\nresolvers = [\"127.0.0.1:1\"]\ntimeout_s = 1\n[engine]\non_dns_failure = \"defer\"\n");
  }

  void configure(const std::string& text) {
    std::ofstream(config_) << text << "[cache]\ndirectory = \"" << scratch_.path() << "/store\"\n";
  }
  void cache(const std::string& name, const std::string& mode, DaneState dane = DaneState::kNone) {
    CacheEntry entry{*Domain::parse(name), {}, std::nullopt, std::nullopt};
    entry.record = {RecordMemory::State::kFound, now() + std::chrono::hours(1), "1", ""};
    const std::string body = "version: STSv1\nmode: " + mode + "\nmx: mx." + name + "\nmax_age: 86400\n";
    entry.policy = StoredPolicy{"1", now(), body, *parse_policy(body)};
    entry.dane = DaneMemory{dane, now() + std::chrono::hours(1), "the signature is broken"};
    if (dane == DaneState::kUsable) entry.dane->hosts = {"dane." + name};
    FakeLog log(log_);
    ASSERT_TRUE(FileStore(scratch_.path() + "/store", log).put(entry));
  }
  void forget(const std::string& name) {
    FakeLog log(log_);
    ASSERT_TRUE(FileStore(scratch_.path() + "/store", log).remove(*Domain::parse(name)));
  }

  EximReply route(std::initializer_list<std::string_view> words) { return host_.route({words.begin(), words.size()}); }
  EximReply mode(std::initializer_list<std::string_view> words) { return host_.mode({words.begin(), words.size()}); }
  EximReply event(std::initializer_list<std::string_view> words) { return host_.event({words.begin(), words.size()}); }

  Scratch scratch_;
  std::string config_ = scratch_.path() + "/mtasts.toml";
  std::shared_ptr<Lines> log_ = std::make_shared<Lines>();
  EximHost host_{config_, [this] { return std::make_unique<FakeLog>(log_); }};
};

TEST_F(EximHostTest, AnswersFromTheStore) {
  cache("enforced.example", "enforce");
  cache("watched.example", "testing");
  EXPECT_EQ(route({"enforced.example"}).text, R"(enforce|!^(?i)mx\.enforced\.example\.?$ ; *)");
  EXPECT_EQ(route({"watched.example"}).text, "testing|");
  EXPECT_EQ(mode({"Enforced.Example."}).text, "enforce");
  EXPECT_EQ(mode({"watched.example"}).text, "testing");
}

TEST_F(EximHostTest, R29ModeTellsOfDaneAndRouteLetsItsHostsPass) {
  cache("signed.example", "enforce", DaneState::kUsable);
  cache("bogus.example", "enforce", DaneState::kFailed);
  EXPECT_EQ(mode({"signed.example"}).text, "dane");
  EXPECT_EQ(route({"signed.example"}).text,
            R"(enforce|!^(?i)mx\.signed\.example\.?$ ; *)"
            R"(|!^(?i)dane\.signed\.example\.?$ ; !^(?i)mx\.signed\.example\.?$ ; *|^(?i)dane\.signed\.example\.?$)");
  const EximReply reply = mode({"bogus.example"});
  EXPECT_EQ(reply.status, EximStatus::kFail);
  EXPECT_EQ(reply.text, "MTA-STS: the signature is broken");
  EXPECT_EQ(route({"bogus.example"}).text, R"(enforce|!^(?i)mx\.bogus\.example\.?$ ; *)");
}

TEST_F(EximHostTest, R1ASmarthostsOwnNameIsThePolicyDomain) {
  cache("relay.example", "enforce");
  EXPECT_EQ(mode({"[relay.example]:587"}).text, "enforce");
}

TEST_F(EximHostTest, TenRecipientsAreOneLookup) {
  cache("enforced.example", "enforce");
  const std::string first = route({"enforced.example"}).text;
  forget("enforced.example");
  for (int recipient = 0; recipient < 9; ++recipient) {
    const EximReply reply = route({"enforced.example"});
    EXPECT_EQ(reply.status, EximStatus::kOk);
    EXPECT_EQ(reply.text, first);
  }
}

TEST_F(EximHostTest, R2WhatCanHaveNoPolicyHasNone) {
  for (const std::string_view words : {"[192.0.2.1]", "[IPv6:2001:db8::1]", "localhost", "not a name", "a..b"}) {
    const EximReply reply = route({words});
    EXPECT_EQ(reply.status, EximStatus::kOk) << words;
    EXPECT_EQ(reply.text, "") << words;
    EXPECT_EQ(mode({words}).text, "none") << words;
  }
}

TEST_F(EximHostTest, WhatCannotBeFoundOutDefersWithItsReason) {
  const EximReply reply = route({"unknown.example"});
  EXPECT_EQ(reply.status, EximStatus::kFail);
  EXPECT_THAT(reply.text, HasSubstr("MTA-STS: "));
  EXPECT_EQ(mode({"unknown.example"}).status, EximStatus::kFail);
}

TEST_F(EximHostTest, ABrokenConfigurationDefersAndNamesTheLine) {
  configure("[dns]\ntransport = \"udp\"\n");
  const EximReply reply = route({"enforced.example"});
  EXPECT_EQ(reply.status, EximStatus::kError);
  EXPECT_THAT(reply.text, HasSubstr("mtasts.toml:2"));
  EXPECT_EQ(mode({"enforced.example"}).status, EximStatus::kError);
}

TEST_F(EximHostTest, AMendedConfigurationIsReadAtTheNextCall) {
  cache("enforced.example", "enforce");
  configure("nonsense");
  EXPECT_EQ(mode({"enforced.example"}).status, EximStatus::kError);
  configure("");
  EXPECT_EQ(mode({"enforced.example"}).text, "enforce");
}

TEST_F(EximHostTest, WrongArgumentsAreAnErrorThatNamesTheUsage) {
  EXPECT_EQ(route({}).status, EximStatus::kError);
  EXPECT_EQ(route({}).text, "mta_sts_route: usage: ${dlfunc{.../mtasts.so}{mta_sts_route}{$domain}{$message_exim_id}}");
  EXPECT_EQ(route({"a.example", "no ID"}).text, "mta_sts_route: the second argument is to be $message_exim_id");
  EXPECT_THAT(route({"a.example", "1rXyz0-1", "x"}).text, HasSubstr("mta_sts_route: usage"));
  EXPECT_EQ(mode({"a.example", "b.example"}).status, EximStatus::kError);
  EXPECT_THAT(mode({}).text, HasSubstr("mta_sts_mode: usage"));
}

TEST_F(EximHostTest, AnEmptyDomainIsAnErrorThatExplainsItself) {
  EXPECT_EQ(route({""}).status, EximStatus::kError);
  EXPECT_THAT(route({""}).text, HasSubstr("multi_domain"));
}

TEST_F(EximHostTest, AnEventWithTheWrongNumberOfArgumentsNamesItsUsage) {
  for (const auto& reply : {event({}), event({"tls:cert"})}) {
    EXPECT_EQ(reply.status, EximStatus::kError);
    EXPECT_THAT(reply.text, HasSubstr("mta_sts_event: usage: ${dlfunc{"));
  }
}

TEST_F(EximHostTest, AnyOtherTroubleOfAnEventIsLoggedOnly) {
  for (const auto& reply :
       {event({"tls:cert", "0", "", "", "", "", "mode=nonsense"}), event({"", "", "", "", "", "", ""})}) {
    EXPECT_EQ(reply.status, EximStatus::kOk);
    EXPECT_EQ(reply.text, "");
  }
  EXPECT_EQ(log_->lines.size(), 2U);
}

TEST_F(EximHostTest, AnEventWithABrokenConfigurationIsLoggedOnly) {
  configure("nonsense");
  const EximReply reply = event({"tls:cert", "0", "a.example", "mx.a.example", "192.0.2.1", "0", "mode=enforce san="});
  EXPECT_EQ(reply.status, EximStatus::kOk);
  EXPECT_EQ(reply.text, "");
  EXPECT_EQ(log_->lines.size(), 1U);
}

TEST_F(EximHostTest, R25AVetoComesOutAsText) {
  EXPECT_THAT(event({"tls:cert", "0", "a.example", "mx.a.example", "192.0.2.1", "0", "mode=enforce tlsa=0 san="}).text,
              HasSubstr("subjectAltName"));
}

TEST_F(EximHostTest, R27AnEventFindsThePolicyInTheStore) {
  cache("watched.example", "testing");
  event({"tcp:connect", "", "watched.example", "impostor.example", "192.0.2.1", "0", "mode=testing"});
  event({"smtp:ehlo", "250 mx", "watched.example", "impostor.example", "192.0.2.1", "0", "mode=testing ver="});
  ASSERT_EQ(log_->lines.size(), 2U);
  EXPECT_THAT(log_->lines[0], HasSubstr("does not list this MX"));
}

TEST_F(EximHostTest, WhenObservingNothingIsEnforcedOrDeferred) {
  configure(
      "[dns]\nresolvers = [\"127.0.0.1:1\"]\ntimeout_s = 1\n[engine]\non_dns_failure = \"defer\"\n"
      "[exim]\nobserve = true\n");
  cache("enforced.example", "enforce");
  EXPECT_EQ(route({"enforced.example"}).text, "testing|");
  EXPECT_EQ(mode({"enforced.example"}).text, "testing");
  const EximReply unknown = route({"unknown.example"});
  EXPECT_EQ(unknown.status, EximStatus::kOk);
  EXPECT_EQ(unknown.text, "");
  EXPECT_THAT(log_->lines, testing::Contains(HasSubstr("info event=observed-defer domain=unknown.example reason=")));
  const auto warned = std::ranges::count_if(
      log_->lines, [](const std::string& line) { return line.starts_with("warning event=observing section=exim "); });
  EXPECT_EQ(warned, 1) << "once an hour";
}

TEST_F(EximHostTest, WhenObservingAnEventFindsThatThePolicyWouldBeEnforced) {
  configure("[exim]\nobserve = true\n");
  cache("enforced.example", "enforce");
  event({"tcp:connect", "", "enforced.example", "evil.test", "192.0.2.1", "0", "mode=testing cv=0 ver="});
  event({"smtp:ehlo", "250 mx", "enforced.example", "evil.test", "192.0.2.1", "0", "mode=testing cv=0 ver="});
  EXPECT_THAT(log_->lines, testing::Contains(HasSubstr("event=observed-failure domain=enforced.example mx=evil.test")));
}

}  // namespace
}  // namespace mtasts
