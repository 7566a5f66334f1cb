#include "module/helper/frames.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include "module/helper/process.h"
#include "module/helper/settings.h"
#include "tests/unit/cost.h"
#include "tests/unit/sockets.h"

namespace mtasts {
namespace {

using ::testing::ElementsAre;

Result<std::optional<Fields>> read(std::string_view bytes) {
  FrameReader reader;
  reader.add(bytes);
  return reader.next();
}

TEST(FrameReader, ReadsWhatWasWrittenAlsoInPieces) {
  const std::string bytes = encode_frame({"1", "", std::string("\0,3:", 4)}) + encode_frame({"2"});
  FrameReader reader;
  std::vector<Fields> frames;
  for (const char c : bytes) {
    reader.add({&c, 1});
    const auto frame = reader.next();
    ASSERT_TRUE(frame);
    if (*frame) frames.push_back(**frame);
  }
  ASSERT_EQ(frames.size(), 2U);
  EXPECT_THAT(frames[0], ElementsAre("1", "", std::string("\0,3:", 4)));
  EXPECT_THAT(frames[1], ElementsAre("2"));
}

TEST(FrameReader, RefusesWhatIsNoFrame) {
  for (const char* bytes : {"x", "4:9:a,,", "3:1:,,", "2:1:,", "99999999:", "3:abc,", "01:a,"}) {
    const auto frame = read(bytes);
    ASSERT_FALSE(frame) << bytes;
    EXPECT_EQ(frame.error().code, ErrorCode::kInternal) << bytes;
  }
}

// As a helper that was taken over may send them: without the cost of one for each frame before it.
TEST(FrameReader, TakesManySmallFramesAtTheCostOfTheirOctets) {
  constexpr std::size_t kOctets = 2UL * 1024 * 1024;
  const std::string frame = encode_frame({"1", "x"});
  std::string bytes;
  while (bytes.size() < kOctets) bytes += frame;
  const test::Cost cost;
  FrameReader reader;
  reader.add(bytes);
  std::size_t frames = 0;
  for (auto next = reader.next(); next && *next; next = reader.next()) ++frames;
  EXPECT_EQ(frames, bytes.size() / frame.size());
  cost.expect_within(std::chrono::seconds(10), 16);
}

// What a helper whose deadline has passed has sent until then.
Result<Fields> receive_late(const std::string& sent) {
  const auto pair = test::socket_pair();
  EXPECT_EQ(::send(pair.theirs.get(), sent.data(), sent.size(), MSG_DONTWAIT), static_cast<ssize_t>(sent.size()));
  FrameReader reader;
  return receive_reply(pair.ours.get(), reader, "1", std::chrono::steady_clock::now() - std::chrono::seconds(1));
}

TEST(ReceiveReply, ReadsWhatHasArrivedWhenTheDeadlinePasses) {
  const std::string longest(kMaxEntryBytes, 'x');
  EXPECT_EQ(receive_late(encode_frame({"1", longest})), (Fields{longest}));
}

// One that was taken over could go on for ever.
TEST(ReceiveReply, ReadsNoMoreThanAnAnswerCanHaveAfterTheDeadline) {
  const auto received = receive_late(encode_frame({"1", std::string(180'000, 'x')}));
  ASSERT_FALSE(received);
  EXPECT_EQ(received.error().code, ErrorCode::kLocalFault);
}

TEST(HelperReplies, RefuseWhatHasAnotherForm) {
  for (const Fields& fields : std::vector<Fields>{{},
                                                  {"found"},
                                                  {"found", "1", "unsigned"},
                                                  {"else", "1", "unsigned", ""},
                                                  {"found", "-1", "unsigned", ""},
                                                  {"found", "4294967296", "unsigned", ""},
                                                  {"found", "01", "unsigned", ""},
                                                  {"found", "1", "yes", ""},
                                                  {"found", "1", "unsigned", "", "70000 mx.test"},
                                                  {"found", "1", "unsigned", "", "mx.test"},
                                                  {"error no-such-code x"},
                                                  {"error dns-timeout a\nb"}}) {
    const auto answer = decode_dns<MxRecord>(fields);
    ASSERT_FALSE(answer) << ::testing::PrintToString(fields);
    EXPECT_EQ(answer.error().code, ErrorCode::kInternal) << ::testing::PrintToString(fields);
  }
  EXPECT_EQ(decode_trial(Fields{"ok", "192.0.2.1"}).result.error().code, ErrorCode::kInternal);
  EXPECT_EQ(decode_trial(Fields{"ok", "a\nb", "", ""}).result.error().code, ErrorCode::kInternal);
  EXPECT_EQ(decode_trial(Fields{"ok", "", "", std::string(256, 'a')}).result.error().code, ErrorCode::kInternal);
  EXPECT_EQ(decode_trial(Fields{"fine", "", "", ""}).result.error().code, ErrorCode::kInternal);
  EXPECT_FALSE(decode_lookup(Fields{}, *Domain::parse("a.test")));
  EXPECT_FALSE(decode_lookup(Fields{"x"}, *Domain::parse("a.test")));
}

// The longest reply that DNS can give: 64 KiB of MX records whose names are all compressed.
TEST(HelperReplies, HaveRoomForTheLongestDnsAnswer) {
  DnsAnswer<MxRecord> answer{DnsAnswer<MxRecord>::Kind::kFound, {}, std::chrono::seconds(1)};
  for (int i = 0; i < 65'535 / 16; ++i) answer.records.push_back({65'535, std::string(253, 'a')});
  const auto frame = read(encode_frame(encode_dns<MxRecord>(answer)));
  ASSERT_TRUE(frame && *frame);
  EXPECT_EQ(decode_dns<MxRecord>(**frame)->records.size(), answer.records.size());
}

TEST(HelperSettings, ComeBackAsTheyWere) {
  HelperSettings settings;
  settings.network.dns = {{"192.0.2.53", "[::1]:5353"},
                          ResolverConfig::Transport::kTls,
                          std::chrono::seconds(3),
                          ResolverConfig::TrustAd::kNever,
                          7};
  settings.network.fetch.proxy = "http://proxy.test";
  settings.network.fetch.port = 8443;
  settings.network.fetch.connect_timeout = std::chrono::seconds(3);
  settings.network.fetch.allow_private = {"10.0.0.0/8"};
  settings.network.probe.allow_private = {"fd00::/8", "::1"};
  settings.network.probe.connect_timeout = std::chrono::seconds(4);
  settings.lookup.ask_dane = true;
  settings.lookup.retry = std::chrono::seconds(1);
  settings.tls = TlsLibrary::kGnuTls;
  settings.store = "/var/lib/mtasts";
  settings.log_level = LogLevel::kDebug;
  const std::string text = encode_settings(settings);
  const auto read_again = decode_settings(text);
  ASSERT_TRUE(read_again) << read_again.error().detail;
  EXPECT_EQ(encode_settings(*read_again), text);
  EXPECT_EQ(read_again->network.dns.resolvers, settings.network.dns.resolvers);
  EXPECT_EQ(read_again->network.dns.trust_ad, ResolverConfig::TrustAd::kNever);
  EXPECT_EQ(read_again->network.fetch.port, 8443);
  EXPECT_EQ(read_again->network.fetch.connect_timeout, std::chrono::seconds(3));
  EXPECT_EQ(read_again->network.fetch.allow_private, settings.network.fetch.allow_private);
  EXPECT_EQ(read_again->network.probe.allow_private, settings.network.probe.allow_private);
  EXPECT_TRUE(read_again->lookup.ask_dane);
}

TEST(HelperSettings, AreThoseOfTheConfiguration) {
  Config config;
  config.network.fetch.port = 8443;
  config.lookup.ask_dane = !config.lookup.ask_dane;
  config.tls = TlsLibrary::kGnuTls;
  config.cache_directory = "/var/lib/elsewhere";
  config.quota.entries = 7;
  config.engine_directory = "/usr/lib/elsewhere";
  config.log_level = LogLevel::kDebug;
  config.is_long_lived = config.tries_mx_hosts = config.is_for_person = true;
  config.tlsrpt_socket = "/run/collector";
  const HelperSettings settings = helper_settings(config, LogTarget::kStderr);
  EXPECT_EQ(settings.network.fetch.port, 8443);
  EXPECT_EQ(settings.lookup.ask_dane, config.lookup.ask_dane);
  EXPECT_EQ(settings.tls, TlsLibrary::kGnuTls);
  EXPECT_EQ(settings.store, "/var/lib/elsewhere");
  EXPECT_EQ(settings.quota.entries, 7) << "else strangers fill the store";
  EXPECT_EQ(settings.engines, "/usr/lib/elsewhere");
  EXPECT_EQ(settings.log, LogTarget::kStderr);
  EXPECT_EQ(settings.log_level, LogLevel::kDebug);
  EXPECT_TRUE(settings.is_long_lived && settings.tries_mx_hosts);
  EXPECT_FALSE(settings.warns);
  EXPECT_EQ(settings.tlsrpt_socket, "/run/collector");
}

TEST(HelperSettings, OfAnotherBuildAreRefused) {
  HelperSettings settings;
  settings.abi = "mtasts-network 0.0.0";
  EXPECT_FALSE(decode_settings(encode_settings(settings)));
  EXPECT_FALSE(decode_settings("{}"));
  EXPECT_FALSE(decode_settings("nonsense"));
  EXPECT_FALSE(decode_settings(R"({"abi":")" + std::string(kNetworkAbi) + R"("})"));
}

}  // namespace
}  // namespace mtasts
