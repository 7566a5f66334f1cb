#include "module/helper/inspection_frames.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>

namespace mtasts {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

CertificateFact certificate() {
  CertificateFact fact;
  fact.is_expired = fact.is_for_another_name = true;
  fact.detail = "the certificate is expired";
  fact.names = {"www.example.com", std::string("\0\n", 2)};
  fact.not_after = from_epoch(1'767'225'600);
  return fact;
}

PolicyAddressFact policy_host() {
  PolicyAddressFact fact{.address = "2001:db8::1", .is_connected = true};
  fact.tls.version = "TLSv1.3";
  fact.tls.certificate = certificate();
  fact.http.status = 301;
  fact.http.location = "https://example.com/\n";
  fact.http.took = std::chrono::milliseconds(1234);
  fact.other_agent = HttpFact{};
  fact.other_agent->body = std::string(65'536, '\xff');
  return fact;
}

TEST(InspectionFrames, CarryEveryFact) {
  const Fields fields = encode_policy_host(policy_host());
  const auto read = decode_policy_host(fields, "2001:db8::1");
  EXPECT_THAT(read.not_tried, IsEmpty());
  EXPECT_EQ(encode_policy_host(read), fields);
  EXPECT_TRUE(read.tls.certificate->is_expired && read.tls.certificate->is_for_another_name);
  EXPECT_FALSE(read.tls.certificate->is_untrusted || read.tls.certificate->has_only_common_name);
  EXPECT_EQ(read.tls.certificate->names, certificate().names);
  EXPECT_EQ(read.http.status, 301);
  EXPECT_EQ(read.http.took, std::chrono::milliseconds(1234));
  EXPECT_EQ(read.other_agent->body.size(), 65'536U);

  MxAddressFact mx{.address = "192.0.2.25", .is_reached = true, .offers_starttls = true};
  mx.tls.is_too_old = true;
  mx.matches_tlsa = false;
  const auto same = decode_mx_host(encode_mx_host(mx), "192.0.2.25");
  EXPECT_TRUE(same.is_reached && same.offers_starttls && same.tls.is_too_old);
  EXPECT_EQ(same.matches_tlsa, std::optional(false));
}

TEST(InspectionFrames, BoundWhatPeersSay) {
  PolicyAddressFact fact = policy_host();
  fact.http.location = std::string(5000, 'x');
  fact.http.took = std::chrono::hours(1000);
  fact.tls.certificate->names.assign(1000, std::string(1000, 'n'));
  fact.tls.certificate->not_after = WallTime::min();
  fact.tls.error = "a\nb";
  const auto read = decode_policy_host(encode_policy_host(fact), fact.address);
  EXPECT_THAT(read.not_tried, IsEmpty());
  EXPECT_EQ(read.http.location.size(), 1000U);
  EXPECT_EQ(read.tls.certificate->names.size(), 100U);
  EXPECT_EQ(read.tls.certificate->not_after, WallTime{});
  EXPECT_EQ(read.tls.error, "a?b");
}

TEST(InspectionFrames, RefuseWhatHasAnotherForm) {
  const Fields good = encode_policy_host(policy_host());
  const auto refused = [](const Fields& fields) {
    const auto fact = decode_policy_host(fields, "2001:db8::1");
    return !fact.is_connected && fact.not_tried == "the lookup helper sent no usable facts";
  };
  EXPECT_TRUE(refused({}));
  for (std::size_t i = 0; i < good.size(); ++i) {
    EXPECT_TRUE(refused({good.begin(), good.begin() + static_cast<std::ptrdiff_t>(i)})) << i;
    Fields wrong = good;
    wrong[i] = std::string(70'000, '\n');
    EXPECT_TRUE(refused(wrong)) << i;
  }
  Fields more = good;
  more.emplace_back("0");
  EXPECT_TRUE(refused(more));
  EXPECT_FALSE(decode_policy_host(good, "192.0.2.1").is_connected) << "another address";
}

// Whoever reads it has a terminal. A helper that was taken over writes what it likes.
TEST(InspectionFrames, RefuseASentenceThatCannotBePrinted) {
  const Fields good = encode_policy_host(policy_host());
  Fields wrong = good;
  const auto sentence = std::ranges::find(wrong, "the certificate is expired");
  ASSERT_NE(sentence, wrong.end());
  *sentence = "the certificate is \x1b[2J";
  EXPECT_EQ(decode_policy_host(wrong, "2001:db8::1").not_tried, "the lookup helper sent no usable facts");
}

TEST(InspectionFrames, WithoutAReplyNothingWasTried) {
  const auto fact = decode_mx_host(fail(ErrorCode::kLocalFault, "the lookup helper ended"), "192.0.2.25");
  EXPECT_EQ(fact.address, "192.0.2.25");
  EXPECT_THAT(fact.not_tried, HasSubstr("ended"));
}

}  // namespace
}  // namespace mtasts
