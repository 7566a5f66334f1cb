// The order of questions and the one call back, over a resolver that answers from a table.
#include "module/engine/dane_lookup.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "tests/unit/module/fakes.h"

namespace mtasts {
namespace {

using std::chrono::seconds;
using testing::ElementsAre;
using testing::Not;
using testing::SizeIs;
using Texts = DnsAnswer<std::string>;
using Mx = DnsAnswer<MxRecord>;
using Tlsa = DnsAnswer<TlsaRecord>;
using Kind = DaneFinding::Kind;

const Error kServfail{ErrorCode::kDnsFailure, "SERVFAIL"};

// Answers when run(), the latest question first, with "no such name" where the table has nothing.
class TableResolver : public Resolver {
 public:
  void txt(const std::string&, Callback<std::string>, const Requester&) override {
    ADD_FAILURE() << "no TXT record is of interest";
  }
  void mx(const std::string& name, Callback<MxRecord> done, const Requester&) override {
    ask("MX", name, mxs, std::move(done));
  }
  void addresses(const std::string& name, Callback<std::string> done, const Requester&) override {
    ask("A", name, hosts, std::move(done));
  }
  void tlsa(const std::string& name, Callback<TlsaRecord> done, const Requester&) override {
    ask("TLSA", name, tlsas, std::move(done));
  }
  void cname(const std::string& name, Callback<std::string> done, const Requester&) override {
    ask("CNAME", name, cnames, std::move(done));
  }
  void ns(const std::string&, Callback<std::string>, const Requester&) override {
    ADD_FAILURE() << "no NS record is of interest";
  }

  // The most questions that were under way at the same time.
  std::size_t most = 0;

  void run() {
    while (!pending_.empty()) run_one();
  }
  void run_one() {
    const auto answer = std::move(pending_.back());
    pending_.pop_back();
    answer();
  }

  template <typename Record>
  using Table = std::map<std::string, Result<DnsAnswer<Record>>>;
  Table<MxRecord> mxs;
  Table<std::string> hosts;
  Table<TlsaRecord> tlsas;
  Table<std::string> cnames;
  std::vector<std::string> asked;

 private:
  template <typename Record>
  void ask(const std::string& type, const std::string& name, const Table<Record>& table, Callback<Record> done) {
    asked.push_back(type + " " + name);
    const auto found = table.find(name);
    const Result<DnsAnswer<Record>> answer =
        found != table.end() ? found->second
                             : DnsAnswer<Record>{DnsAnswer<Record>::Kind::kNxDomain, {}, seconds{100}, true};
    pending_.push_back([answer, done = std::move(done)] { done(answer); });
    most = std::max(most, pending_.size());
  }
  std::deque<std::function<void()>> pending_;
};

class DaneLookup : public testing::Test {
 protected:
  void mx(std::vector<MxRecord> records) {
    resolver_.mxs["example.test"] = Mx{Mx::Kind::kFound, std::move(records), seconds{700}, true};
  }
  void host(const std::string& name) {
    resolver_.hosts[name] = Texts{Texts::Kind::kFound, {"192.0.2.1"}, seconds{600}, true, name};
  }
  void alias(const std::string& name, const std::string& target, bool target_signed) {
    resolver_.hosts[name] = Texts{Texts::Kind::kFound, {"192.0.2.1"}, seconds{600}, target_signed, target};
    resolver_.cnames[name] = Texts{Texts::Kind::kFound, {target}, seconds{600}, true, name};
  }
  void tlsa(const std::string& host) {
    resolver_.tlsas["_25._tcp." + host] =
        Tlsa{Tlsa::Kind::kFound, {{3, 1, 1, std::string(32, 'x')}}, seconds{500}, true};
  }
  DaneFinding look_up() {
    std::optional<DaneFinding> finding;
    dane_lookup(loop_, resolver_, *Domain::parse("example.test"), {}, [&](DaneFinding found) {
      EXPECT_FALSE(finding) << "called back twice";
      finding = std::move(found);
    });
    EXPECT_FALSE(finding) << "called back from inside the call";
    resolver_.run();
    EXPECT_TRUE(finding) << "never called back";
    return finding.value_or(DaneFinding{});
  }

  FakeLoop loop_;
  TableResolver resolver_;
};

TEST_F(DaneLookup, R29FindsThatEveryHostIsJudgedByDane) {
  mx({{10, "mx1.test"}, {20, "mx2.test"}});
  for (const char* name : {"mx1.test", "mx2.test"}) {
    host(name);
    tlsa(name);
  }
  const auto finding = look_up();
  EXPECT_EQ(finding.kind, Kind::kUsable);
  EXPECT_EQ(finding.ttl, seconds{500});
  EXPECT_EQ(finding.reason, "DANE applies to mx1.test, mx2.test") << "by preference, in whatever order answers came";
}

TEST_F(DaneLookup, AsksNoHostAboutAnUnsignedMx) {
  resolver_.mxs["example.test"] = Mx{Mx::Kind::kFound, {{10, "mx1.test"}}, seconds{700}, false};
  EXPECT_EQ(look_up().kind, Kind::kNone);
  EXPECT_THAT(resolver_.asked, ElementsAre("MX example.test"));
}

TEST_F(DaneLookup, R29AFailingLookupAtAnyStepFails) {
  mx({{10, "mx1.test"}});
  resolver_.hosts.insert_or_assign("mx1.test", tl::unexpected(kServfail));
  EXPECT_EQ(look_up().kind, Kind::kFailed);
  host("mx1.test");
  resolver_.tlsas.insert_or_assign("_25._tcp.mx1.test", tl::unexpected(kServfail));
  EXPECT_EQ(look_up().kind, Kind::kFailed);
  alias("mx1.test", "target.test", false);
  resolver_.cnames.insert_or_assign("mx1.test", tl::unexpected(kServfail));
  EXPECT_EQ(look_up().kind, Kind::kFailed);
  resolver_.mxs.insert_or_assign("example.test", tl::unexpected(kServfail));
  EXPECT_EQ(look_up().kind, Kind::kFailed);
}

TEST_F(DaneLookup, AsksAnAliasAtItsTargetThenAtItsOwnName) {
  mx({{10, "mx1.test"}});
  alias("mx1.test", "target.test", true);
  tlsa("mx1.test");
  EXPECT_EQ(look_up().kind, Kind::kUsable);
  EXPECT_THAT(resolver_.asked,
              ElementsAre("MX example.test", "A mx1.test", "TLSA _25._tcp.target.test", "TLSA _25._tcp.mx1.test"));
}

TEST_F(DaneLookup, AsksAnAliasThatLeavesTheSignedZoneAtItsOwnNameOnly) {
  mx({{10, "mx1.test"}});
  alias("mx1.test", "target.test", false);
  tlsa("mx1.test");
  tlsa("target.test");
  EXPECT_EQ(look_up().kind, Kind::kUsable);
  EXPECT_THAT(resolver_.asked,
              ElementsAre("MX example.test", "A mx1.test", "CNAME mx1.test", "TLSA _25._tcp.mx1.test"));
}

TEST_F(DaneLookup, LooksAtTwentyHostsOfManyAndNoMore) {
  std::vector<MxRecord> records;
  for (unsigned i = 60; i > 0; --i) {
    const std::string name = "mx" + std::to_string(i) + ".test";
    records.push_back({i, name});
    host(name);
    tlsa(name);
  }
  mx(records);
  EXPECT_EQ(look_up().kind, Kind::kPartly);
  EXPECT_THAT(resolver_.asked, SizeIs(1 + 2 * kMaxDaneHosts));
  EXPECT_THAT(resolver_.asked, Not(testing::Contains("A mx21.test")));
}

// M2: twenty hosts of a stranger are not sixty questions at once.
TEST_F(DaneLookup, AsksAboutOneHostAtATime) {
  std::vector<MxRecord> records;
  for (unsigned i = 0; i < kMaxDaneHosts; ++i) {
    const std::string name = "mx" + std::to_string(i) + ".test";
    records.push_back({i, name});
    host(name);
    tlsa(name);
  }
  mx(records);
  EXPECT_EQ(look_up().kind, Kind::kUsable);
  EXPECT_EQ(resolver_.most, 1U);
}

// A stranger's servers may answer each question as late as they can; who waits is told what is known by then.
TEST_F(DaneLookup, R29EndsInTimeAndTakesTheOthersForFailed) {
  mx({{10, "mx1.test"}, {20, "mx2.test"}, {30, "mx3.test"}, {40, "mx4.test"}});
  for (const char* name : {"mx1.test", "mx2.test", "mx3.test", "mx4.test"}) host(name);
  std::optional<DaneFinding> finding;
  dane_lookup(loop_, resolver_, *Domain::parse("example.test"), {},
              [&](DaneFinding found) { finding = std::move(found); });
  resolver_.run_one();
  loop_.advance(kDaneTime - std::chrono::milliseconds{1});
  EXPECT_FALSE(finding);
  loop_.advance(std::chrono::milliseconds{1});
  ASSERT_TRUE(finding);
  EXPECT_EQ(finding->kind, Kind::kFailed);
  EXPECT_EQ(finding->ttl, seconds{0}) << "and is not kept";
  EXPECT_THAT(finding->reason, testing::HasSubstr("cannot be judged for mx1.test (no answer in time), mx2.test"));
  finding.reset();
  resolver_.run();
  EXPECT_FALSE(finding) << "called back twice";
  EXPECT_THAT(resolver_.asked, SizeIs(2)) << "no question comes after the end";
}

// Of the hosts after one that had no turn nothing is said by DNS.
TEST_F(DaneLookup, R29WhatWasNotAskedInTimeWasNotTried) {
  mx({{10, "mx1.test"}, {20, "mx2.test"}});
  host("mx1.test");
  resolver_.hosts.insert_or_assign("mx1.test", tl::unexpected(Error{ErrorCode::kNotTried, "too many questions"}));
  std::optional<DaneFinding> finding;
  const auto done = [&](DaneFinding found) { finding = std::move(found); };
  dane_lookup(loop_, resolver_, *Domain::parse("example.test"), {}, done);
  resolver_.run_one();  // the MX records
  resolver_.run_one();  // mx1.test
  EXPECT_FALSE(finding) << "mx2.test is asked for";
  loop_.advance(kDaneTime);
  ASSERT_TRUE(finding);
  EXPECT_FALSE(finding->not_tried) << "it was asked for in vain";

  finding.reset();
  dane_lookup(loop_, resolver_, *Domain::parse("example.test"), {.turn_timeout = std::chrono::milliseconds{500}}, done);
  resolver_.run();
  ASSERT_TRUE(finding);
  EXPECT_TRUE(finding->not_tried);
  EXPECT_THAT(resolver_.asked, SizeIs(5)) << "nobody waits for mx2.test the second time";
}

TEST_F(DaneLookup, R29EndsInTimeWithoutMxRecords) {
  std::optional<DaneFinding> finding;
  dane_lookup(loop_, resolver_, *Domain::parse("example.test"), {},
              [&](DaneFinding found) { finding = std::move(found); });
  loop_.advance(kDaneTime);
  ASSERT_TRUE(finding);
  EXPECT_EQ(finding->kind, Kind::kFailed);
  EXPECT_THAT(finding->reason, testing::HasSubstr("did not come in time"));
  resolver_.run();
}

TEST_F(DaneLookup, TheCallerMayEndEverythingButTheResolverInItsCallback) {
  mx({{10, "mx1.test"}});
  host("mx1.test");
  auto owned = std::make_unique<std::string>("the caller's");
  dane_lookup(loop_, resolver_, *Domain::parse("example.test"), {}, [&owned](const DaneFinding&) { owned.reset(); });
  resolver_.run();
  EXPECT_EQ(owned, nullptr);
}

TEST_F(DaneLookup, IsDroppedWithTheResolver) {
  auto held = std::make_shared<int>(0);
  {
    TableResolver resolver;
    dane_lookup(loop_, resolver, *Domain::parse("example.test"), {}, [held](const DaneFinding&) { ADD_FAILURE(); });
  }
  EXPECT_EQ(held.use_count(), 1) << "nothing is left behind";
}

}  // namespace
}  // namespace mtasts
