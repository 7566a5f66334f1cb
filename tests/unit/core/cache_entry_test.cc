#include "core/cache_entry.h"

#include <gtest/gtest.h>

#include <random>

#include "tests/unit/core/builders.h"
#include "tests/unit/core/entry_sum.h"

namespace mtasts {
namespace {

using std::chrono::hours;
using std::chrono::seconds;
using test::domain;
using test::kNow;
using test::policy_body;
using test::stored_policy;
using State = RecordMemory::State;

CacheEntry full_entry() {
  return {
      domain(),
      {State::kFound, kNow + seconds{300}, "20260101T000000Z", {}},
      stored_policy("20251201T000000Z", kNow - hours{24}),
      FetchFailure{"20260101T000000Z", 3, 4, kNow + seconds{1200}, {ErrorCode::kWebPkiInvalid, "expired \\x00 cert"}},
      DaneMemory{DaneState::kPartly, kNow + seconds{60}, "DANE applies to mx1.example.com"}};
}

Result<CacheEntry> parsed(std::string_view bytes) { return parse_cache_entry(bytes, domain()); }

Result<CacheEntry> read_whole(const CacheEntry& entry) { return entry; }

void expect_damaged(std::string_view bytes) {
  const auto result = parsed(bytes);
  ASSERT_FALSE(result) << bytes;
  EXPECT_EQ(result.error().code, ErrorCode::kStoreDamaged);
}

// `bytes` with `from` replaced by `to` and the sum made right again.
std::string forged(std::string bytes, std::string_view from, std::string_view to) {
  bytes.replace(bytes.find(from), from.size(), to);
  return test::with_right_sum(std::move(bytes));
}

TEST(CacheEntry, IsTextThatAPersonCanRead) {
  const std::string bytes = serialize(full_entry());
  EXPECT_EQ(bytes.substr(0, bytes.find("sum: ")),
            "mtasts-cache 1\n"
            "domain: example.com\n"
            "record: found until=1764000300 id=20260101T000000Z detail=\n"
            "policy: id=20251201T000000Z fetched=1763913600 bytes=64\n"
            "failure: id=20260101T000000Z count=3 streak=4 retry=1764001200 error=sts-webpki-invalid "
            "detail=expired \\x00 cert\n"
            "dane: partly until=1764000060 detail=DANE applies to mx1.example.com\n");
  EXPECT_TRUE(bytes.ends_with("\n\n" + policy_body()));
}

TEST(CacheEntry, R17ComesBackAsItWas) {
  const CacheEntry full = full_entry();
  const CacheEntry kEntries[] = {
      full,
      {domain(), {}, {}, {}},
      {domain(), {State::kAbsent, kNow, {}, {}}, {}, {}},
      {domain(), {State::kInvalid, kNow, {}, "there is more than one STSv1 record"}, {}, {}},
      {domain(), {State::kFailed, kNow, {}, "dns-timeout: no answer from 127.0.0.1"}, full.policy, {}},
      {domain(), full.record, {}, full.failure},
      {domain(), full.record, {}, {}, DaneMemory{DaneState::kFailed, kNow, {}}},
      {domain(),
       full.record,
       {},
       {},
       DaneMemory{DaneState::kUsable, kNow, "all", {"mx1.example.com", "mx-2.example.com"}}},
      {domain(), full.record, stored_policy("1", kNow, policy_body("none", 0, "")), {}},
      {domain(), full.record, stored_policy("1", kNow, "\n\n" + policy_body() + "\n\nsum: 0123456789abcdef\n\n"), {}},
  };
  for (const CacheEntry& entry : kEntries) EXPECT_EQ(parsed(serialize(entry)), read_whole(entry));
}

// Version 0.2 took a CR at the end of the body for the end of a line.
TEST(CacheEntry, R17APolicyThatAnOlderGrammarAllowedStaysInForce) {
  CacheEntry entry{domain(), full_entry().record, stored_policy("1", kNow), {}};
  entry.policy->body.back() = '\r';
  const auto back = parsed(serialize(entry));
  EXPECT_EQ(back, read_whole(entry));
  EXPECT_EQ(policy_strings(entry.policy->body), policy_strings(policy_body()));
  const std::string other_version = forged(serialize(entry), "mtasts-cache 1", "mtasts-cache 2");
  ASSERT_TRUE(parsed(other_version));
  EXPECT_EQ(parsed(other_version)->policy, entry.policy);
  entry.policy->body += '\r';
  expect_damaged(serialize(entry));
}

TEST(CacheEntry, R17KeepsTheLargestPolicy) {
  std::string body = policy_body();
  body += "pad: " + std::string(kMaxPolicyBytes - body.size() - 5, 'x');
  CacheEntry entry = full_entry();
  entry.domain =
      domain(std::string(60, 'a') + '.' + std::string(60, 'b') + '.' + std::string(60, 'c') + ".example.com");
  entry.record = {State::kInvalid, WallTime{seconds{253'402'300'799}}, std::string(32, 'i'), std::string(5000, 'd')};
  entry.policy = stored_policy(std::string(32, 'i'), kNow, body);
  entry.failure->error.detail = std::string(5000, 'd');
  const std::string host =
      std::string(63, 'a') + '.' + std::string(63, 'b') + '.' + std::string(63, 'c') + '.' + std::string(61, 'd');
  entry.dane = DaneMemory{DaneState::kPartly, kNow, std::string(5000, 'd'), std::vector(kMaxDaneHosts, host)};
  const std::string bytes = serialize(entry);
  EXPECT_LE(bytes.size(), kMaxEntryBytes);
  const auto back = parse_cache_entry(bytes, entry.domain);
  ASSERT_TRUE(back);
  EXPECT_EQ(back->policy, entry.policy);
}

TEST(CacheEntry, NoDetailCanBreakTheForm) {
  CacheEntry entry = full_entry();
  entry.record.state = State::kInvalid;
  entry.record.detail = "line\npolicy: id=evil\r\n\n";
  entry.failure->error.detail = std::string("a\0b\xff", 4) + std::string(3000, '\n');
  const auto back = parsed(serialize(entry));
  ASSERT_TRUE(back);
  EXPECT_EQ(back->record.detail, "line\\x0apolicy: id=evil\\x0d\\x0a\\x0a");
  EXPECT_TRUE(back->failure->error.detail.starts_with("a\\x00b\\xff\\x0a"));
  EXPECT_EQ(parsed(serialize(*back)), back) << "what has come back once comes back the same";
}

TEST(CacheEntry, TimesOutOfRangeAreBroughtIntoIt) {
  CacheEntry entry = full_entry();
  entry.record.until = WallTime::max();
  entry.failure->retry_at = WallTime::min();
  const auto back = parsed(serialize(entry));
  ASSERT_TRUE(back);
  EXPECT_EQ(back->record.until.time_since_epoch().count(), 253'402'300'799);
  EXPECT_EQ(back->failure->retry_at, WallTime{});
}

// As a version of the format might write it that keeps more of a policy, and of other things.
std::string of_version(std::string_view version, std::string_view more = "colour: blue\n") {
  std::string bytes = serialize(full_entry());
  bytes.replace(bytes.find("1\n"), 1, version);
  bytes.insert(bytes.find("policy: "), more);
  const std::size_t failure = bytes.find("failure: ");
  bytes.erase(failure, bytes.find("sum: ") - failure);
  return test::with_right_sum(std::move(bytes));
}

TEST(CacheEntry, R17ThePolicyOfAnotherVersionIsRead) {
  for (const char* version : {"0", "2", "10", "123456789"}) {
    const auto result = parsed(of_version(version));
    ASSERT_TRUE(result) << version;
    EXPECT_EQ(*result, (CacheEntry{domain(), {}, full_entry().policy, {}})) << "all else is asked for again";
  }
}

TEST(CacheEntry, AnEntryOfAnotherVersionWithoutAPolicyIsThatOfAnUnknownDomain) {
  std::string bytes = serialize({domain(), full_entry().record, {}, {}});
  bytes.replace(bytes.find("1\n"), 1, "2");
  EXPECT_EQ(parsed(test::with_right_sum(bytes)), (CacheEntry{domain(), {}, {}, {}}));
}

// A policy may be in force there: that is neither an absence nor damage, which would be looked up anew and replaced.
TEST(CacheEntry, R17WhatCannotBeReadOfAnotherVersionIsNoAbsence) {
  const std::string good = of_version("2");
  std::string without_line = good;
  without_line.erase(good.find("policy: "), good.find("sum: ") - good.find("policy: "));
  const std::string kBytes[] = {
      test::with_right_sum("mtasts-cache 2\nwhatever\nsum: 0123456789abcdef\n\n"),
      test::with_right_sum(without_line),
      forged(good, "domain: example.com", "domain: example.org"),
      forged(good, "fetched=1763913600", "fetched=later"),
      forged(good, "bytes=64", "bytes=63"),
      forged(good, "bytes=64", "bytes=64 more=1"),
      forged(good, "mode: enforce", "mode: enforst"),
  };
  for (const std::string& bytes : kBytes) {
    const auto result = parsed(bytes);
    ASSERT_FALSE(result) << bytes;
    EXPECT_EQ(result.error().code, ErrorCode::kLocalFault) << bytes;
  }
}

// As damage to an entry of our own version: a miss, which is looked up anew and replaced. It may be one.
TEST(CacheEntry, AnEntryOfAnotherVersionWithAWrongSumIsDamaged) {
  const std::string good = of_version("2");
  std::string wrong_sum = good;
  wrong_sum[good.find("sum: ") + 5] ^= 1;
  for (const std::string& bytes :
       {wrong_sum, good.substr(0, good.size() - 1), good.substr(0, good.find("sum: ")), good + "x",
        std::string("mtasts-cache 2\n"), std::string("mtasts-cache 2\nwhatever\n"), std::string("mtasts-cache 0\n"),
        std::string("mtasts-cache 123456789\nx")})
    expect_damaged(bytes);
}

TEST(CacheEntry, AFlippedBitOfTheVersionKeepsNoMailWaiting) {
  const std::string bytes = serialize(full_entry());
  for (std::size_t bit = 0; bit < (bytes.find('\n') + 1) * 8; ++bit) {
    std::string flipped = bytes;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
    expect_damaged(flipped);
  }
}

TEST(CacheEntry, WhatIsNotOfAnyVersionIsDamaged) {
  for (const char* bytes :
       {"", "\n\n", "mtasts-cache ", "mtasts-cache 1", "mtasts-cache 1\n", "mtasts-cache \n\n", "mtasts-cache 2",
        "mtasts-cache x\n", "mtasts-cache -1\n", "mtasts-cache 2 \n", "mtasts-cache 12345678901\n", "Mtasts-cache 2\n",
        "mtasts-cache  2\n", "version: STSv1\n\n"}) {
    expect_damaged(bytes);
  }
}

TEST(CacheEntry, CutOffAnywhereIsDamaged) {
  const std::string bytes = serialize(full_entry());
  for (std::size_t length = 0; length < bytes.size(); ++length) expect_damaged(bytes.substr(0, length));
}

TEST(CacheEntry, AFlippedBitIsNoticedWhereverItIs) {
  const std::string bytes = serialize(full_entry());
  for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    std::string flipped = bytes;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
    const auto result = parsed(flipped);
    ASSERT_FALSE(result) << "bit " << bit << " is not noticed";
  }
}

TEST(CacheEntry, AnythingMoreIsDamaged) {
  const std::string bytes = serialize(full_entry());
  expect_damaged(bytes + "x");
  expect_damaged("\n" + bytes);
  expect_damaged(bytes + bytes);
  expect_damaged(serialize({domain(), {}, {}, {}}) + policy_body());
  const std::string giant = bytes + std::string(kMaxEntryBytes, 'x');
  expect_damaged(giant);
  EXPECT_TRUE(parsed(giant).error().detail.ends_with("too long")) << "refused before anything of it is read";
}

TEST(CacheEntry, AnEntryOfAnotherDomainIsDamaged) {
  const auto result = parse_cache_entry(serialize(full_entry()), domain("example.org"));
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::kStoreDamaged);
}

TEST(CacheEntry, ARightSumDoesNotExcuseAWrongForm) {
  const std::string bytes = serialize(full_entry());
  ASSERT_TRUE(parsed(forged(bytes, "20251201", "20251202")));  // the forger forges well
  const std::pair<std::string_view, std::string_view> kChanges[] = {
      {"until=1764000300", "until=-1"},
      {"until=1764000300", "until=+1764000300"},
      {"until=1764000300", "until=01764000300"},
      {"until=1764000300", "until=253402300800"},
      {"until=1764000300", "until=99999999999999999999"},
      {"until=1764000300", "until="},
      {"record: found", "record: lost"},
      {"record: found", "record: "},
      {"found until=1764000300 id=20260101T000000Z", "found until=1764000300 id="},
      {"id=20260101T000000Z", "id=2026-01-01"},
      {"id=20251201T000000Z", "id="},
      {"fetched=1763913600", "fetched=x"},
      {"bytes=64", "bytes=63"},
      {"bytes=64", "bytes=65"},
      {"count=3", "count=1000001"},
      {"count=3", "count=3 more=4"},
      {"error=sts-webpki-invalid", "error=sts"},
      {"expired \\x00 cert", "expired \xff cert"},
      {"expired \\x00 cert", "expired\tcert"},
      {"policy: id", "Policy: id"},
      {"failure: id", "failures: id"},
      {"domain: example.com", "domain: example.com "},
      {"detail=\n", "\n"},
      {"mode: enforce", "mode: enforst"},
      {"version: STSv1", "version: STSv2"},
      {"max_age: 604800\n", ""},
  };
  for (const auto& [from, to] : kChanges) {
    SCOPED_TRACE(std::string(from) + " -> " + std::string(to));
    expect_damaged(forged(bytes, from, to));
  }
}

TEST(CacheEntry, LinesHaveOneOrder) {
  const std::string bytes = serialize(full_entry());
  const std::size_t policy = bytes.find("policy: ");
  const std::size_t failure = bytes.find("failure: ");
  const std::size_t sum = bytes.find("sum: ");
  const std::string swapped = bytes.substr(0, policy) + bytes.substr(failure, sum - failure) +
                              bytes.substr(policy, failure - policy) + bytes.substr(sum);
  expect_damaged(forged(swapped, "example", "example"));
}

TEST(CacheEntry, RandomEntriesComeBackAsTheyWere) {
  std::mt19937 random(8461);
  const auto below = [&random](unsigned limit) { return static_cast<unsigned>(random() % limit); };
  const auto text = [&below](std::string_view alphabet, unsigned length) {
    std::string result;
    while (length-- > 0) result += alphabet[below(static_cast<unsigned>(alphabet.size()))];
    return result;
  };
  constexpr std::string_view kId = "abcXYZ0189";
  constexpr std::string_view kDetail = "abc xyz:=;\"\\n";
  for (int round = 0; round < 2000; ++round) {
    CacheEntry entry{domain(), {}, {}, {}};
    entry.record = {
        static_cast<State>(below(5)), WallTime{seconds{below(2'000'000'000)}}, {}, text(kDetail, below(80))};
    if (entry.record.state == State::kFound) entry.record.id = text(kId, 1 + below(32));
    if (below(2) == 0) {
      const std::string body =
          policy_body(below(2) == 0 ? "testing" : "none", below(99'999'999)) + text("\n ", below(2));
      entry.policy = stored_policy(text(kId, 1 + below(32)), WallTime{seconds{below(2'000'000'000)}}, body);
    }
    if (below(2) == 0) {
      entry.failure =
          FetchFailure{text(kId, 1 + below(32)), below(99), below(99), WallTime{seconds{below(2'000'000'000)}},
                       Error{static_cast<ErrorCode>(below(12)), text(kDetail, below(80))}};
    }
    ASSERT_EQ(parsed(serialize(entry)), read_whole(entry)) << serialize(entry);
  }
}

TEST(CacheEntry, R22APolicyIsInForceUntilItExpires) {
  CacheEntry entry{domain(), {}, stored_policy("1", kNow, policy_body("enforce", 100)), {}};
  EXPECT_EQ(entry.policy_in_force(kNow), &*entry.policy);
  EXPECT_EQ(entry.policy_in_force(kNow + seconds{99}), &*entry.policy);
  EXPECT_EQ(entry.policy_in_force(kNow + seconds{100}), nullptr);
  EXPECT_EQ(entry.policy_in_force(kNow + hours{10'000}), nullptr);
  EXPECT_EQ((CacheEntry{domain(), {}, {}, {}}.policy_in_force(kNow)), nullptr);
  entry.policy = stored_policy("1", kNow, policy_body("enforce", 0));
  EXPECT_EQ(entry.policy_in_force(kNow), nullptr);
}

TEST(CacheEntry, R17AClockThatWasSetBackDoesNotEndAPolicy) {
  const CacheEntry entry{domain(), {}, stored_policy("1", kNow), {}};
  EXPECT_NE(entry.policy_in_force(WallTime{}), nullptr);
  EXPECT_NE(entry.policy_in_force(kNow - hours{24 * 300}), nullptr);
}

TEST(NextChange, IsTheFirstOfWhatRunsOutLater) {
  CacheEntry entry = full_entry();
  EXPECT_EQ(next_change(entry, kNow), kNow + seconds{60});
  EXPECT_EQ(next_change(entry, kNow + seconds{60}), kNow + seconds{300});
  EXPECT_EQ(next_change(entry, kNow + seconds{300}), kNow + seconds{1200});
  EXPECT_EQ(next_change(entry, kNow + seconds{1200}), entry.policy->expires());
  EXPECT_EQ(next_change(entry, entry.policy->expires()), std::nullopt);
}

}  // namespace
}  // namespace mtasts
