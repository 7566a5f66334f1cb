// A reload of the settings, with sessions that wait for tlsrpt-collectd.
#include <gtest/gtest.h>

#include <string>

#include "tests/unit/module/tlsrpt/collector.h"
#include "tests/unit/sockets.h"

namespace mtasts {
namespace {

using std::chrono::milliseconds;

class TlsrptReloadTest : public test::Collector {};

TEST_F(TlsrptReloadTest, OneThatIsBusyGetsWhatCameBeforeAReload) {
  listen();
  report("mx.example.com");
  answer();
  const std::size_t count = test::datagrams_kept() + 20;
  for (std::size_t i = 1; i < count; ++i) report("mx" + std::to_string(i) + ".example.com");
  reload();
  std::uint64_t got = 0;
  for (int round = 0; round < 100; ++round, loop_.advance(milliseconds(100)))
    while (!datagram().empty()) ++got;
  EXPECT_EQ(got, count);
  EXPECT_EQ(counts_.sent, count);
  EXPECT_EQ(counts_.lost, 0U);
}

// Sendmail's three questions.
TEST_F(TlsrptReloadTest, R32ADeliveryIsToldOnceOverAReload) {
  listen();
  reports_->learn(test::domain());
  answer();
  for (int i = 0; i < 2; ++i, reload())
    reports_->report_policy_failure(test::domain(), {ErrorCode::kPolicyFetch, "status 404"}, {});
  EXPECT_NE(datagram(), "");
  EXPECT_EQ(datagram(), "");
}

TEST_F(TlsrptReloadTest, TheSocketOutlivesAReloadAsLongAsItLeadsToTheSamePlace) {
  const TlsrptSocket::Deps deps{loop_, log_, counts_};
  const std::string store = scratch_.path();
  EXPECT_EQ(TlsrptSocket::keep(socket_, deps, store, path_), socket_);
  EXPECT_NE(TlsrptSocket::keep(socket_, deps, store, path_ + "2"), socket_);
  EXPECT_NE(TlsrptSocket::keep(socket_, deps, store + "/other", path_), socket_);
  EXPECT_EQ(TlsrptSocket::keep(socket_, deps, store, ""), nullptr);
}

}  // namespace
}  // namespace mtasts
