#include "module/client.h"
#include "module/io/wall_clock.h"
#include "module/store/files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>

#include "tests/unit/module/fakes.h"
#include "tests/unit/module/lab_config.h"
#include "tests/unit/module/scratch.h"

namespace mtasts {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr char kPolicy[] = "version: STSv1\nmode: enforce\nmx: mx.example.com\nmax_age: 604800\n";

CacheEntry entry(const std::string& name, std::chrono::seconds record_left) {
  const WallTime at = now();
  CacheEntry made{
      *Domain::parse(name), {RecordMemory::State::kFound, at + record_left, "abc", {}}, std::nullopt, std::nullopt};
  made.policy = StoredPolicy{"abc", at, kPolicy, *parse_policy(kPolicy)};
  return made;
}

// A client whose engine library does not exist: whatever it answers, it answers from memory.
class ClientTest : public ::testing::Test {
 protected:
  std::unique_ptr<Client> open(const std::string& more = "") {
    std::ofstream(config_) << "[cache]\ndirectory = \"" << scratch_.path() << "/store\"\n" << more;
    auto log = std::make_unique<FakeLog>();
    log_ = log.get();
    auto client = Client::open(config_, std::move(log));
    EXPECT_TRUE(client) << client.error().detail;
    ::mkdir((scratch_.path() + "/store").c_str(), 0755);
    return client ? std::move(*client) : nullptr;
  }
  // Where the entry of example.com belongs.
  [[nodiscard]] static std::string shard_in(Client& client) {
    return client.store().directory() + "/" + shard_of("example.com");
  }
  Scratch scratch_;
  std::string config_ = scratch_.path() + "/mtasts.toml";
  FakeLog* log_ = nullptr;
};

TEST_F(ClientTest, ACachedAnswerNeedsNoHelper) {
  const auto client = open();
  ASSERT_TRUE(client->store().put(entry("example.com", std::chrono::seconds(300))));
  const Decision decision = client->lookup("Example.COM.");
  EXPECT_EQ(decision.kind, Decision::Kind::kPolicy);
  EXPECT_EQ(decision.mode, Mode::kEnforce);
  EXPECT_THAT(decision.mx, ElementsAre("mx.example.com"));
  EXPECT_TRUE(decision.from_cache);
  EXPECT_THAT(log_->lines, IsEmpty());
}

TEST_F(ClientTest, R1ASmarthostsOwnNameIsThePolicyDomain) {
  const auto client = open();
  ASSERT_TRUE(client->store().put(entry("smart.example", std::chrono::seconds(300))));
  for (const char* words : {"[smart.example]", "smart.example:587", "[smart.example]:587"}) {
    EXPECT_EQ(client->lookup(words).domain, "smart.example") << words;
  }
}

TEST_F(ClientTest, R2AddressesAndDotlessNamesHaveNoPolicy) {
  const auto client = open();
  for (const char* words : {"[192.0.2.1]", "192.0.2.1", "[IPv6:2001:db8::1]", "localhost", "not a name", ""}) {
    EXPECT_EQ(client->lookup(words).kind, Decision::Kind::kNoPolicy) << words;
  }
  EXPECT_THAT(log_->lines, IsEmpty());
}

TEST_F(ClientTest, R17APolicyInForceIsAppliedThoughTheChildCannotRun) {
  const auto client = open("[engine]\nuser = \"no-such-user\"\n");
  ASSERT_TRUE(client->store().put(entry("example.com", std::chrono::seconds(-1))));
  const Decision decision = client->lookup("example.com", Lookup::Effort::kNormal, std::chrono::milliseconds(100));
  EXPECT_EQ(decision.kind, Decision::Kind::kPolicy);
}

// Its policy is not looked at, so it waits for nothing that helps to find it out.
TEST_F(ClientTest, AnExemptDomainIsDeferredForNoFaultOfOurs) {
  const auto client =
      open("[engine]\nuser = \"no-such-user\"\n[[policy.override]]\ndomain = \"example.com\"\nmode = \"none\"\n");
  EXPECT_EQ(client->lookup("other.example").kind, Decision::Kind::kDefer);
  EXPECT_EQ(client->lookup("example.com").kind, Decision::Kind::kNoPolicy);
  std::ofstream(shard_in(*client)) << "no directory";
  EXPECT_EQ(client->lookup("example.com").kind, Decision::Kind::kNoPolicy);
}

TEST_F(ClientTest, AnEntryThatCannotBeReadDefers) {
  const auto client = open();
  std::ofstream(shard_in(*client)) << "no directory";
  EXPECT_EQ(client->lookup("example.com").kind, Decision::Kind::kDefer);
}

TEST_F(ClientTest, ABrokenConfigurationIsOneSentence) {
  std::ofstream(config_) << "[dns]\nresolver = \"127.0.0.1\"\n";
  const auto client = Client::open(config_, std::make_unique<FakeLog>());
  ASSERT_FALSE(client);
  EXPECT_EQ(client.error().code, ErrorCode::kConfig);
  EXPECT_THAT(client.error().detail, HasSubstr("mtasts.toml:2: unknown key dns.resolver; known here: resolvers"));
}

}  // namespace
}  // namespace mtasts
