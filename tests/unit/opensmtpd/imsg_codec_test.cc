// Frames as smtpd up to 7.5 writes and reads them (its table_proc.c and imsg.h).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>

#include "adapters/opensmtpd/codec.h"

namespace mtasts::opensmtpd {
namespace {

using testing::IsEmpty;
using Operation = Request::Operation;
using Service = Request::Service;

template <typename Number>
std::string octets(Number number) {
  return {reinterpret_cast<const char*>(&number), sizeof number};
}

std::string frame(std::uint32_t type, const std::string& body) {
  return octets(type) + octets(static_cast<std::uint16_t>(16 + body.size())) + octets(std::uint16_t{0}) +
         octets(std::uint32_t{0}) + octets(std::uint32_t{4711}) + body;
}

std::string question(int service, const std::string& key) {
  return octets(service) + octets(std::size_t{0}) + key + std::string(1, '\0');
}

Request request(const std::string& bytes) {
  const auto decoded = make_imsg_codec()->decode(bytes);
  EXPECT_EQ(decoded.consumed, bytes.size());
  EXPECT_FALSE(decoded.is_foreign);
  return decoded.request.value_or(Request{});
}

// The body of a reply whose header is right.
std::string reply(const Request& to, const Answer& answer) {
  const std::string bytes = make_imsg_codec()->encode(to, answer);
  EXPECT_EQ(bytes.substr(0, 4), octets(std::uint32_t{0})) << "OK";
  EXPECT_EQ(bytes.substr(4, 2), octets(static_cast<std::uint16_t>(bytes.size())));
  EXPECT_EQ(bytes.substr(6, 6), std::string(6, '\0'));
  return bytes.substr(16);
}

const std::string kOpen = frame(2, octets(std::uint32_t{2}) + "mtasts" + std::string(2042, '\0'));

TEST(ImsgCodec, IsKnownByItsFirstOctets) {
  const auto codec = codec_for(kOpen);
  ASSERT_TRUE(codec);
  EXPECT_EQ(codec->decode(kOpen).request->operation, Operation::kHello);
}

TEST(ImsgCodec, WhoSpeaksSoMayBeOneThatSendsNoSni) { EXPECT_TRUE(make_imsg_codec()->may_lack_sni()); }

TEST(ImsgCodec, OpenIsAnsweredEmpty) { EXPECT_THAT(reply(request(kOpen), {}), IsEmpty()); }

TEST(ImsgCodec, ACheckHasANumberForItsAnswer) {
  const Request check = request(frame(5, question(0x2, "example.com")));
  EXPECT_EQ(check.operation, Operation::kCheck);
  EXPECT_EQ(check.service, Service::kDomain);
  EXPECT_EQ(check.key, "example.com");
  EXPECT_EQ(reply(check, {Answer::Kind::kFound}), octets(1));
  EXPECT_EQ(reply(check, {Answer::Kind::kNotFound}), octets(0));
  EXPECT_EQ(reply(check, {Answer::Kind::kError}), octets(-1));
}

TEST(ImsgCodec, ALookupThatFoundSomethingEndsItWithAZero) {
  const Request lookup = request(frame(6, question(0x200, "example.com")));
  EXPECT_EQ(lookup.operation, Operation::kLookup);
  EXPECT_EQ(lookup.service, Service::kRelayHost);
  EXPECT_EQ(reply(lookup, {Answer::Kind::kFound, "smtp+tls://mx"}), octets(1) + "smtp+tls://mx" + std::string(1, '\0'));
  EXPECT_EQ(reply(lookup, {Answer::Kind::kNotFound}), octets(0));
  EXPECT_EQ(reply(lookup, {Answer::Kind::kError}), octets(-1));
}

TEST(ImsgCodec, AValueThatWouldEndSmtpdIsAnError) {
  const Request lookup = request(frame(6, question(0x200, "example.com")));
  EXPECT_EQ(reply(lookup, {Answer::Kind::kFound, ""}), octets(-1));
  EXPECT_EQ(reply(lookup, {Answer::Kind::kFound, std::string(5000, 'x')}), octets(-1));
}

TEST(ImsgCodec, UpdateAndFetchAreAnsweredAsTheyMustBe) {
  EXPECT_EQ(reply(request(frame(4, "")), {}), octets(1));
  const Request fetch = request(frame(7, octets(0x2) + octets(std::size_t{0})));
  EXPECT_EQ(fetch.operation, Operation::kFetch);
  EXPECT_EQ(reply(fetch, {Answer::Kind::kNotFound}), octets(0));
}

TEST(ImsgCodec, CloseWantsNoAnswer) {
  const Request close = request(frame(3, ""));
  EXPECT_EQ(close.operation, Operation::kClose);
  EXPECT_THAT(make_imsg_codec()->encode(close, {}), IsEmpty());
}

TEST(ImsgCodec, ParametersAreSkipped) {
  const std::string body = octets(0x2) + octets(std::size_t{1}) + std::string("name\0value\0example.com\0", 23);
  EXPECT_EQ(request(frame(5, body)).key, "example.com");
}

TEST(ImsgCodec, AQuestionThatCannotBeReadIsAnsweredWithAnError) {
  const std::string endless = octets(0x2) + octets(~std::size_t{0}) + std::string(100, 'x');
  for (const std::string& bytes : {frame(5, ""), frame(5, octets(0x2)), frame(5, question(0x2, "x").substr(0, 13)),
                                   frame(6, endless), frame(99, "x"), frame(2, octets(std::uint32_t{1}))}) {
    const Request odd = request(bytes);
    EXPECT_EQ(odd.operation, Operation::kUnknown);
    EXPECT_EQ(reply(odd, {Answer::Kind::kError}), octets(-1));
  }
}

TEST(ImsgCodec, FramesMayComeInPieces) {
  for (std::size_t length = 0; length < kOpen.size(); ++length)
    ASSERT_EQ(make_imsg_codec()->decode(kOpen.substr(0, length)).consumed, 0U);
}

TEST(ImsgCodec, AnImpossibleLengthIsNotSmtpds) {
  std::string bytes = frame(5, "");
  bytes[4] = bytes[5] = '\xff';
  EXPECT_TRUE(make_imsg_codec()->decode(bytes).is_foreign);
  bytes[4] = bytes[5] = '\0';
  EXPECT_TRUE(make_imsg_codec()->decode(bytes).is_foreign);
}

}  // namespace
}  // namespace mtasts::opensmtpd
