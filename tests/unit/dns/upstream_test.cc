// One recursive resolver as the wire sees it: what a question asks for, and what is left of a connection that broke.
#include "dns/upstream.h"

#include <gtest/gtest.h>

#include <mutex>

#include "dns/getdns_loop.h"
#include "module/io/event_loop.h"
#include "tests/unit/dns/scripted_server.h"

namespace mtasts {
namespace {

using std::chrono::milliseconds;
using test::character_string;
using test::kTxt;
using test::Message;
using test::Query;
using test::rr;
using test::ScriptedServer;
using Manner = Upstream::Manner;

constexpr char kAsked[] = "_mta-sts.a.test";

std::string good(const Query& query) {
  return Message{.answer = {rr(query.name, kTxt, 60, character_string("x"))}}.to(query);
}

class UpstreamTest : public testing::Test {
 protected:
  std::unique_ptr<Upstream> upstream_at(const std::string& address) {
    ResolverConfig config;
    config.timeout = std::chrono::seconds{2};
    return std::make_unique<Upstream>(getdns_loop_, parse_resolver_address(address).value(), config);
  }
  // nullopt: an answer came.
  std::optional<ErrorCode> ask(Upstream& upstream, Manner manner = Manner::kPlain) {
    std::optional<ErrorCode> error;
    upstream.ask(kAsked, RrType::kTxt, manner, [&](Result<const getdns_dict*> reply) {
      if (!reply) error = reply.error().code;
      loop_->stop();
    });
    loop_->run();
    return error;
  }

  std::unique_ptr<EventLoop> loop_ = std::move(make_event_loop().value());
  GetdnsLoop getdns_loop_{*loop_};
};

// What of the last question is not the name.
struct Wish {
  bool recursion = false;
  bool authenticated = false;
  bool signatures = false;
  unsigned of_class = 0;
};

Wish wish_of(const Query& query) {
  Wish wish;
  wish.recursion = (static_cast<unsigned char>(query.bytes.at(2)) & 0x01U) != 0;
  wish.authenticated = (static_cast<unsigned char>(query.bytes.at(3)) & 0x20U) != 0;
  wish.of_class = query.query_class;
  // OPT: the root, type 41, size, extended rcode and version; then the flags, DO first.
  const auto opt = query.bytes.find(std::string("\0\0\x29", 3), 12 + query.question().size());
  wish.signatures = opt != std::string::npos && (static_cast<unsigned char>(query.bytes.at(opt + 7)) & 0x80U) != 0;
  return wish;
}

TEST_F(UpstreamTest, EachMannerIsWrittenIntoTheQuestion) {
  std::mutex mutex;
  Wish last;
  const ScriptedServer server([&](const Query& query) -> std::optional<std::string> {
    const std::scoped_lock lock(mutex);
    last = wish_of(query);
    return good(query);
  });
  const auto upstream = upstream_at(server.address());
  const auto wish = [&](Manner manner) {
    EXPECT_FALSE(ask(*upstream, manner));
    const std::scoped_lock lock(mutex);
    return last;
  };
  const Wish plain = wish(Manner::kPlain);
  EXPECT_TRUE(plain.recursion);
  EXPECT_TRUE(plain.authenticated) << "AD asks for AD (RFC 6840 section 5.7)";
  EXPECT_FALSE(plain.signatures);
  EXPECT_EQ(plain.of_class, 1U);
  EXPECT_TRUE(wish(Manner::kWithSignatures).signatures);
  EXPECT_FALSE(wish(Manner::kAuthority).recursion);
  EXPECT_EQ(wish(Manner::kChaos).of_class, 3U);
}

TEST_F(UpstreamTest, WhatABrokenConnectionLeftIsNoBeginningOfTheNextAnswer) {
  std::atomic<int> asked = 0;
  const ScriptedServer server(
      [&](const Query& query) -> std::optional<std::string> {
        const std::string whole = good(query);
        return ++asked <= 3 ? whole.substr(0, whole.size() / 2) : whole;  // getdns asks again by itself
      },
      ScriptedServer::Manner::kCloseAfter);
  const auto upstream = upstream_at(server.address());
  std::optional<ErrorCode> outcome;
  do {
    outcome = ask(*upstream);
    if (outcome) {
      EXPECT_EQ(*outcome, ErrorCode::kDnsUnreachable);
    }
  } while (outcome && asked <= 3);
  EXPECT_GT(asked, 3);
  EXPECT_FALSE(outcome);
}

TEST_F(UpstreamTest, AtItsEndWhatIsUnderWayIsDroppedWithoutCallingBack) {
  const ScriptedServer server([](const Query&) { return std::string(); });
  auto upstream = upstream_at(server.address());
  bool called = false;
  upstream->ask(kAsked, RrType::kTxt, [&called](const auto&) { called = true; });
  const auto gone = loop_->after(milliseconds(50), [&] { upstream.reset(); });
  const auto end = loop_->after(milliseconds(100), [this] { loop_->stop(); });
  loop_->run();
  EXPECT_FALSE(called);
}

TEST_F(UpstreamTest, NamesItselfWithThePortThatItAsks) {
  EXPECT_EQ(upstream_at("192.0.2.1")->text(), "192.0.2.1:53");
  EXPECT_EQ(upstream_at("[2001:db8::1]:5353")->text(), "[2001:db8::1]:5353");
}

}  // namespace
}  // namespace mtasts
