// MX hosts that try to harm whoever probes them (tests/lab/raw_mx.py): the verdict, and within which time and memory.
// Built once for each TLS library: both must hold.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/cost.h"
#include "tests/unit/fetch/probing.h"
#include "tests/unit/fetch/pulse.h"

namespace mtasts {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::ContainsRegex;

constexpr milliseconds kAtOnce{900};
constexpr milliseconds kTimeout{2500};  // of a second, and what a busy machine adds
// What everybody else on the loop may have to wait; the sanitizers alone make half a second of GnuTLS's 16 MiB below.
constexpr milliseconds kHeldUp{test::kMemoryIsMeasurable ? 500 : 1500};
constexpr long kMebibytes = 24;  // GnuTLS makes room for a handshake message of 16 MiB before it refuses it

constexpr ErrorCode kTlsFails = ErrorCode::kValidationFailure;
constexpr ErrorCode kUnreachable = ErrorCode::kUnreachable;

// libcurl has a bound of its own since 8.4, of 300 KiB; Debian's has it, too.
constexpr char kNoEnd[] = "its replies have no end|Too large response headers";

struct Host {
  const char* behaviour;
  std::optional<ErrorCode> error;
  milliseconds within;
  const char* says;
};

const Host kHosts[] = {
    {"endless_greeting", kUnreachable, kAtOnce, kNoEnd},
    {"endless_ehlo", kUnreachable, kAtOnce, kNoEnd},
    {"endless_ehlo_in_tls", kUnreachable, kAtOnce, kNoEnd},
    {"endless_line", kUnreachable, kTimeout, kNoEnd},
    {"endless_line_in_ehlo", kUnreachable, kTimeout, kNoEnd},
    {"endless_line_in_tls", kUnreachable, kTimeout, kNoEnd},
    {"garbage", kUnreachable, kTimeout,
     "its replies have no end|Too large response headers|NUL byte in server response"},
    {"drips", kUnreachable, kTimeout, "no answer in time"},
    // CVE-2021-22947: what came before TLS must not count as said inside it.
    {"injects", kTlsFails, kAtOnce, "TLS fails"},
    {"injects_late", kTlsFails, kAtOnce, "TLS fails"},
    {"answers_ahead", kTlsFails, kTimeout, "TLS fails"},
    {"renegotiates", kUnreachable, kTimeout, ""},
    {"tls_plain_http", kTlsFails, kAtOnce, "TLS fails"},
    {"tls_noise", kTlsFails, kAtOnce, "TLS fails"},
    {"tls_warning_flood", kTlsFails, kAtOnce, "TLS fails"},
    {"tls_empty_record_flood", kTlsFails, kAtOnce, "TLS fails"},
    {"tls_hello_request_flood", kTlsFails, kAtOnce, "TLS fails"},
    {"tls_giant_handshake", kTlsFails, kTimeout, "TLS fails"},
    {"floods_after_goodbye", {}, kAtOnce, ""},
    {"silent_at_quit", {}, kAtOnce, ""},
};

void PrintTo(const Host& host, std::ostream* out) { *out << host.behaviour; }

class HostileMxHost : public testing::TestWithParam<Host> {};

TEST_P(HostileMxHost, IsBoundedInTimeAndMemory) {
  const Host& host = GetParam();
  auto config = test::lab_prober();
  config.timeout = seconds{1};
  test::Probing probing(config);
  const std::string address = test::mx_address(host.behaviour);
  const test::Pulse pulse(probing.loop());
  const test::Cost cost;
  const auto result =
      probing.probe(host.behaviour == std::string("renegotiates") ? "mx.renegotiates.test" : "mx.good.test", {address});
  EXPECT_LT(pulse.longest(), kHeldUp);
  cost.expect_within(host.within, kMebibytes);
  if (!host.error) {
    ASSERT_TRUE(result) << result.error().detail;
    return;
  }
  ASSERT_FALSE(result);
  // Work for half of this short limit: on a busy machine that looks as if it had been stopped.
  if (host.behaviour == std::string("tls_giant_handshake") && result.error().code == ErrorCode::kNotTried) return;
  EXPECT_EQ(error_name(result.error().code), error_name(*host.error)) << result.error().detail;
  EXPECT_THAT(result.error().detail, ContainsRegex(host.says));
  RecordProperty("detail", result.error().detail);
}

INSTANTIATE_TEST_SUITE_P(Probe, HostileMxHost, testing::ValuesIn(kHosts),
                         [](const auto& info) { return info.param.behaviour; });

}  // namespace
}  // namespace mtasts
