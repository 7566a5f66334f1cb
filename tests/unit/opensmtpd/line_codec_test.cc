// Lines as smtpd 7.6 and later write and read them (its table_proc.c).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "adapters/opensmtpd/codec.h"

namespace mtasts::opensmtpd {
namespace {

using testing::IsEmpty;
using Operation = Request::Operation;
using Service = Request::Service;

const std::string kPrefix = "table|0.1|1713795082.354245|mtasts|";

Request request(const std::string& line) {
  const auto decoded = make_line_codec()->decode(line + "\n");
  EXPECT_EQ(decoded.consumed, line.size() + 1);
  EXPECT_FALSE(decoded.is_foreign);
  return decoded.request.value_or(Request{});
}

std::string reply(const Request& to, const Answer& answer) { return make_line_codec()->encode(to, answer); }

TEST(LineCodec, IsKnownByItsFirstWord) {
  EXPECT_EQ(codec_for("con"), nullptr);
  const auto codec = codec_for("config|smtpd-version|7.6.0\n");
  ASSERT_TRUE(codec);
  EXPECT_EQ(codec->decode("config|ready\n").request->operation, Operation::kHello);
}

TEST(LineCodec, TheHandshakeEndsWithReady) {
  const auto codec = make_line_codec();
  for (const char* line : {"config|smtpd-version|7.6.0\n", "config|protocol|0.1\n", "config|tablename|mtasts\n"})
    EXPECT_FALSE(codec->decode(line).request) << line;
  EXPECT_EQ(reply(request("config|ready"), {}), "register|domain\nregister|relayhost\nregister|ready\n");
}

TEST(LineCodec, CheckIsAnsweredWithItsId) {
  const Request check = request(kPrefix + "check|domain|123456789|example.com");
  EXPECT_EQ(check.operation, Operation::kCheck);
  EXPECT_EQ(check.service, Service::kDomain);
  EXPECT_EQ(check.key, "example.com");
  EXPECT_EQ(reply(check, {Answer::Kind::kFound}), "check-result|123456789|found\n");
  EXPECT_EQ(reply(check, {Answer::Kind::kNotFound}), "check-result|123456789|not-found\n");
  EXPECT_EQ(reply(check, {Answer::Kind::kError}), "check-result|123456789|error\n");
}

TEST(LineCodec, LookupGivesAValue) {
  const Request lookup = request(kPrefix + "lookup|relayhost|7|example.com");
  EXPECT_EQ(lookup.operation, Operation::kLookup);
  EXPECT_EQ(lookup.service, Service::kRelayHost);
  EXPECT_EQ(reply(lookup, {Answer::Kind::kFound, "smtp+tls://mx.example.com"}),
            "lookup-result|7|found|smtp+tls://mx.example.com\n");
  EXPECT_EQ(reply(lookup, {Answer::Kind::kError}), "lookup-result|7|error\n");
}

TEST(LineCodec, AValueThatWouldEndSmtpdIsAnError) {
  const Request lookup = request(kPrefix + "lookup|relayhost|7|example.com");
  for (const char* value : {"", "a\nupdate-result|7|ok"})
    EXPECT_EQ(reply(lookup, {Answer::Kind::kFound, value}), "lookup-result|7|error\n");
}

TEST(LineCodec, UpdateAndFetchAreAnsweredAsTheyMustBe) {
  EXPECT_EQ(reply(request(kPrefix + "update|99"), {}), "update-result|99|ok\n");
  const Request fetch = request(kPrefix + "fetch|domain|5");
  EXPECT_EQ(fetch.operation, Operation::kFetch);
  EXPECT_EQ(reply(fetch, {Answer::Kind::kNotFound}), "fetch-result|5|not-found\n");
}

TEST(LineCodec, TheKeyMayHoldABar) { EXPECT_EQ(request(kPrefix + "check|domain|1|a|b|c").key, "a|b|c"); }

TEST(LineCodec, WhatIsNoQuestionGetsNoAnswer) {
  const auto codec = make_line_codec();
  for (const std::string& line :
       {std::string("table|"), std::string("hello"), kPrefix + "sing|domain|1|a", kPrefix + "check|domain|1"})
    EXPECT_FALSE(codec->decode(line + "\n").request) << line;
}

TEST(LineCodec, WhoSpeaksSoSendsSni) { EXPECT_FALSE(make_line_codec()->may_lack_sni()); }

TEST(LineCodec, LinesMayComeInPieces) {
  const std::string line = kPrefix + "check|domain|1|example.com\n";
  for (std::size_t length = 0; length < line.size(); ++length)
    EXPECT_EQ(make_line_codec()->decode(line.substr(0, length)).consumed, 0U);
}

TEST(LineCodec, AnEndlessLineIsNotSmtpds) {
  EXPECT_TRUE(make_line_codec()->decode(std::string(20'000, 'x')).is_foreign);
}

}  // namespace
}  // namespace mtasts::opensmtpd
