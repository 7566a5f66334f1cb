// The helper as a process with an event loop uses it.
#include "module/helper/client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <utility>

#include "module/io/event_loop.h"
#include "module/io/wall_clock.h"
#include "tests/unit/module/fakes.h"
#include "tests/unit/module/helper/copied_engines.h"
#include "tests/unit/module/scratch.h"

namespace mtasts {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;
using ::testing::HasSubstr;

class HelperClientTest : public ::testing::Test {
 protected:
  HelperClientTest() {
    ::chmod(scratch_.path().c_str(), 0777);  // the helper may be another user
    test::copy_engines(MTASTS_TEST_SCRIPTED_ENGINE_DIR, engines_.path());
    config_.engine_directory = engines_.path();
    config_.helper_program = MTASTS_TEST_ENGINE_DIR "/mtasts-lookup";
    config_.cache_directory = scratch_.path();
    config_.user = "nobody";
  }
  void open() {
    auto opened = HelperClient::open(config_, {*loop_, store_, log_, LogTarget::kSyslog});
    ASSERT_TRUE(opened) << opened.error().detail;
    client_ = std::move(*opened);
  }
  void ask(const std::string& name, milliseconds deadline) {
    client_->lookup(*Domain::parse(name), Lookup::Effort::kNormal, deadline,
                    [this, name](const Outcome& outcome) { outcomes_.insert_or_assign(name, outcome); });
  }
  // Runs the loop until `condition` holds; the bound is only there to end a broken run.
  template <typename Condition>
  bool run_until(Condition condition, seconds longest = seconds(20)) {
    const auto end = steady_clock::now() + longest;
    std::function<void()> look;
    std::unique_ptr<EventLoop::Watch> timer;
    look = [&] {
      if (condition() || steady_clock::now() > end) return loop_->stop();
      timer = loop_->after(milliseconds(5), look);
    };
    timer = loop_->after(milliseconds(0), look);
    loop_->run();
    return condition();
  }
  [[nodiscard]] bool has(const std::string& name) const { return outcomes_.contains(name); }

  Scratch scratch_;
  Scratch engines_;
  FakeLog log_;
  Config config_;
  FileStore store_{scratch_.path(), log_};
  std::unique_ptr<EventLoop> loop_ = std::move(make_event_loop().value());
  std::unique_ptr<HelperClient> client_;
  std::map<std::string, Outcome> outcomes_;
};

TEST_F(HelperClientTest, BringsWhatTheNetworkSaysAndTheHelperCachesIt) {
  open();
  ask("plain.test", seconds(20));
  ASSERT_TRUE(run_until([&] { return has("plain.test"); }));
  EXPECT_EQ(outcomes_.at("plain.test").entry.record.state, RecordMemory::State::kAbsent);
  EXPECT_FALSE(outcomes_.at("plain.test").from_cache);
  EXPECT_TRUE(store_.get(*Domain::parse("plain.test")).value());
  EXPECT_TRUE(client_->is_idle());
}

TEST_F(HelperClientTest, CarriesQuestionsAndTrialsWithEveryOctet) {
  open();
  int answered = 0;
  client_->resolver().mx("example.test", [&](const Result<DnsAnswer<MxRecord>>& mx) {
    ASSERT_TRUE(mx && mx->records.size() == 2);
    EXPECT_EQ(mx->records[0].host, "mx.example.test");
    EXPECT_EQ(mx->records[0].preference, 10U);
    EXPECT_EQ(mx->records[1].host, "");
    EXPECT_EQ(mx->ttl, seconds(7));
    ++answered;
  });
  client_->resolver().addresses("example.test", [&](const Result<DnsAnswer<std::string>>& addresses) {
    ASSERT_FALSE(addresses);
    EXPECT_EQ(addresses.error(), (Error{ErrorCode::kDnsTimeout, "scripted"}));
    ++answered;
  });
  client_->resolver().tlsa("_25._tcp.example.test", [&](const Result<DnsAnswer<TlsaRecord>>& tlsa) {
    ASSERT_TRUE(tlsa && tlsa->records.size() == 1);
    EXPECT_EQ(tlsa->records[0].data, std::string("\0 ,:\xff", 5));
    EXPECT_TRUE(tlsa->authenticated);
    ++answered;
  });
  client_->prober().probe("mx.example.test", {"192.0.2.25"}, MxProber::Sni::kLeftOut, [&](const MxTrial& trial) {
    ASSERT_FALSE(trial.result);
    EXPECT_EQ(trial.result.error(), (Error{ErrorCode::kCertificateExpired, "mx.example.test without SNI"}));
    EXPECT_EQ(trial.own_address, "192.0.2.1");
    EXPECT_EQ(trial.mx_address, "192.0.2.25");
    ++answered;
  });
  EXPECT_TRUE(run_until([&] { return answered == 4; }));
}

TEST_F(HelperClientTest, CarriesWhatAnAuditAsks) {
  open();
  int answered = 0;
  client_->resolver().ns("example.test", [&](const Result<DnsAnswer<std::string>>& servers) {
    ASSERT_TRUE(servers);
    EXPECT_THAT(servers->records, ::testing::ElementsAre("ns.example.test"));
    ++answered;
  });
  for (const auto type : {ServerQuestions::Type::kTxt, ServerQuestions::Type::kCname})
    client_->servers().ask("192.0.2.53", "a.test", type, [&, type](const Result<DnsAnswer<std::string>>& answer) {
      const std::string said = type == ServerQuestions::Type::kTxt ? "TXT" : "CNAME";
      EXPECT_EQ(answer.error(), (Error{ErrorCode::kUnreachable, "192.0.2.53 " + said + " a.test"}));
      ++answered;
    });
  client_->inspector().policy_host(*Domain::parse("example.test"), "192.0.2.1", [&](const PolicyAddressFact& fact) {
    EXPECT_TRUE(fact.is_connected);
    EXPECT_EQ(fact.http.body, "example.test");
    ++answered;
  });
  client_->inspector().mx_host(*Domain::parse("mx.example.test"), "192.0.2.25",
                               {{3, 1, 1, std::string("\0 ,:\xff", 5)}}, [&](const MxAddressFact& fact) {
                                 EXPECT_TRUE(fact.is_reached);
                                 EXPECT_EQ(fact.matches_tlsa, std::optional(true));
                                 ++answered;
                               });
  EXPECT_TRUE(run_until([&] { return answered == 5; }));
}

// What a stranger's handshake may cost must not hold up anybody's loop but the helper's.
TEST_F(HelperClientTest, AHelperThatStandsStillKeepsNobodyWaitingLongerThanTheDeadline) {
  const WallTime fetched = now();
  const std::string body = "version: STSv1\nmode: enforce\nmx: mx.kept.test\nmax_age: 604800\n";
  ASSERT_TRUE(store_.put(
      {*Domain::parse("kept.test"), {}, StoredPolicy{"1", fetched, body, parse_policy(body).value()}, std::nullopt}));
  open();
  ask("stall.test", milliseconds(100));
  ask("kept.test", milliseconds(100));
  const auto begin = steady_clock::now();
  ASSERT_TRUE(run_until([&] { return has("stall.test") && has("kept.test"); }));
  EXPECT_LT(steady_clock::now() - begin, seconds(5));
  EXPECT_NE(outcomes_.at("kept.test").entry.policy_in_force(now()), nullptr) << "R17";
  EXPECT_EQ(outcomes_.at("kept.test").progress, Outcome::Progress::kSettled);
  EXPECT_NE(outcomes_.at("stall.test").progress, Outcome::Progress::kSettled) << "nothing was found out";
}

TEST_F(HelperClientTest, NorDoesAQuestionWaitForEver) {
  config_.network.dns.timeout = seconds(0);
  config_.network.probe.timeout = seconds(1);
  open();
  ask("stall.test", seconds(30));
  std::optional<ErrorCode> told;
  client_->resolver().mx("example.test", [&](const Result<DnsAnswer<MxRecord>>& mx) { told = mx.error().code; });
  ASSERT_TRUE(run_until([&] { return told.has_value(); }, seconds(10)));
  EXPECT_EQ(told, ErrorCode::kNotTried);
}

// on_deadline = "no-policy" may let mail go out while lookups are congested, but not while a policy cannot be read.
TEST_F(HelperClientTest, AnEntryThatCannotBeReadIsTheGraverFault) {
  const Domain domain = *Domain::parse("stall.test");
  ASSERT_TRUE(store_.put({domain, {RecordMemory::State::kAbsent, now(), {}, {}}, std::nullopt, std::nullopt}));
  fs::path shard;
  for (const auto& item : fs::recursive_directory_iterator(scratch_.path())) {
    if (item.path().filename() == domain.text()) shard = item.path().parent_path();
  }
  fs::remove_all(shard);
  std::ofstream(shard) << "no folder";
  open();
  ask("other.stall.test", milliseconds(100));
  ask("stall.test", milliseconds(100));
  ASSERT_TRUE(run_until([&] { return has("stall.test") && has("other.stall.test"); }));
  EXPECT_EQ(outcomes_.at("other.stall.test").fault->code, ErrorCode::kNotTried);
  ASSERT_TRUE(outcomes_.at("stall.test").fault);
  EXPECT_NE(outcomes_.at("stall.test").fault->code, ErrorCode::kNotTried);
}

TEST_F(HelperClientTest, AHelperThatEndsIsReplacedAndSettlesNothing) {
  open();
  ask("slow.test", seconds(20));
  ask("crash.test", seconds(20));
  ASSERT_TRUE(run_until([&] { return has("slow.test") && has("crash.test"); }, seconds(10)));
  EXPECT_NE(outcomes_.at("slow.test").progress, Outcome::Progress::kSettled);
  EXPECT_FALSE(store_.get(*Domain::parse("slow.test")).value()) << "nothing was found out, nothing is cached";
  EXPECT_THAT(log_.lines.front(), HasSubstr("event=helper-ended"));
  const auto again = [&] {
    outcomes_.clear();
    ask("plain.test", seconds(20));
    run_until([&] { return has("plain.test"); });
    return outcomes_.at("plain.test").entry.record.state == RecordMemory::State::kAbsent;
  };
  EXPECT_TRUE(run_until([] { return false; }, seconds(1)) || again());
}

// The loop stands still for each start: sixty requests for domains that are not cached must not cost a minute.
TEST_F(HelperClientTest, AHelperThatDoesNotStartIsTriedOnceASecond) {
  const Scratch programs;
  ::chmod(programs.path().c_str(), 0755);
  const std::string starts = programs.path() + "/starts";
  const std::string program = std::exchange(config_.helper_program, programs.path() + "/mtasts-lookup");
  fs::copy_file(program, config_.helper_program);
  open();
  ask("crash.test", seconds(20));
  ASSERT_TRUE(run_until([&] { return has("crash.test"); }));
  fs::remove(config_.helper_program);
  std::ofstream(config_.helper_program) << "#!/bin/sh\necho start >>" << starts << "\nexec sleep 30\n";
  ::chmod(config_.helper_program.c_str(), 0755);
  run_until([] { return false; }, seconds(1));
  const auto begin = steady_clock::now();
  for (int i = 0; i < 5; ++i) ask("plain" + std::to_string(i) + ".test", seconds(20));
  EXPECT_LT(steady_clock::now() - begin, seconds(3));
  ASSERT_TRUE(run_until([&] { return outcomes_.size() == 6; }));
  EXPECT_THAT(outcomes_.at("plain4.test").fault->detail, HasSubstr("it takes too long"));
  std::ifstream lines(starts);
  const std::string all{std::istreambuf_iterator<char>(lines), {}};
  EXPECT_EQ(all, "start\n");
}

TEST_F(HelperClientTest, SaysWhatIsMissingBeforeAnybodyAsks) {
  config_.engine_directory = "/nonexistent";
  const auto opened = HelperClient::open(config_, {*loop_, store_, log_, LogTarget::kSyslog});
  ASSERT_FALSE(opened);
  EXPECT_THAT(opened.error().detail, HasSubstr("cannot load /nonexistent/engine-"));
}

TEST_F(HelperClientTest, SaysThatTheHelperIsMissing) {
  config_.helper_program = "/nonexistent/mtasts-lookup";
  const auto opened = HelperClient::open(config_, {*loop_, store_, log_, LogTarget::kSyslog});
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, ErrorCode::kLocalFault);
  EXPECT_THAT(opened.error().detail,
              HasSubstr("/nonexistent/mtasts-lookup: No such file or directory; install mtasts"));
}

}  // namespace
}  // namespace mtasts
