#include "module/server/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/core/builders.h"

namespace mtasts::server {
namespace {

using testing::HasSubstr;

const Label kNotFound{"postfix", "notfound"};
const Label kTemporary{"postfix", "temp"};

Outcome outcome(RecordMemory::State state) {
  return {CacheEntry{test::domain(), {state, test::kNow, "1", {}}, std::nullopt, std::nullopt}};
}

TEST(Metrics, CountsAnswersByMapAndKind) {
  Metrics metrics;
  const Label secure{"postfix-tlsrpt", "secure"};
  metrics.expect({secure, {"sts", "temp"}});
  metrics.answered_at_once(secure);
  metrics.answered_at_once(std::nullopt);
  metrics.answered(secure, std::chrono::milliseconds(30));
  EXPECT_THAT(metrics.text(), HasSubstr("mtasts_requests_total{map=\"postfix-tlsrpt\",answer=\"secure\"} 2\n"));
  EXPECT_THAT(metrics.text(), HasSubstr("mtasts_requests_total{map=\"sts\",answer=\"temp\"} 0\n"));
}

TEST(Metrics, TheHistogramsBucketsAddUp) {
  Metrics metrics;
  metrics.answered_at_once(kNotFound);
  metrics.answered(kNotFound, std::chrono::milliseconds(30));
  metrics.answered(kTemporary, std::chrono::seconds(25));
  const std::string text = metrics.text();
  EXPECT_THAT(text, HasSubstr("mtasts_request_seconds_bucket{le=\"0.001\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("mtasts_request_seconds_bucket{le=\"0.05\"} 2\n"));
  EXPECT_THAT(text, HasSubstr("mtasts_request_seconds_bucket{le=\"20\"} 2\n"));
  EXPECT_THAT(text, HasSubstr("mtasts_request_seconds_bucket{le=\"+Inf\"} 3\n"));
  EXPECT_THAT(text, HasSubstr("mtasts_request_seconds_count 3\n"));
  EXPECT_THAT(text, HasSubstr("mtasts_request_seconds_sum 25.03\n"));
}

TEST(Metrics, R32LookupsGoByTheirResult) {
  Metrics metrics;
  metrics.looked_up(outcome(RecordMemory::State::kAbsent));
  metrics.looked_up(outcome(RecordMemory::State::kFailed));
  Outcome failed = outcome(RecordMemory::State::kFound);
  failed.entry.failure = FetchFailure{"1", 1, 1, test::kNow, {ErrorCode::kWebPkiInvalid, "expired"}};
  metrics.looked_up(failed);
  failed.progress = Outcome::Progress::kFetchPending;
  metrics.looked_up(failed);
  const std::string text = metrics.text();
  for (const char* result : {"no-record", "dns-failure", "sts-webpki-invalid", "deadline"})
    EXPECT_THAT(text, HasSubstr("mtasts_lookups_total{result=\"" + std::string(result) + "\"} 1\n"));
}

TEST(Metrics, EveryMetricSaysWhatItIs) {
  std::istringstream lines(Metrics().text());
  std::string name;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("# HELP ")) name = line.substr(7, line.find(' ', 7) - 7);
    EXPECT_TRUE(line.starts_with("#") || line.starts_with(name)) << line;
  }
}

TEST(Metrics, WhatHappenedToDeliveriesIsCountedByServerFromZero) {
  Metrics metrics;
  metrics.happened({kObservedFailure, "postfix", "example.com"});
  metrics.happened({kObservedFailure, "postfix", "example.org"});
  EXPECT_THAT(metrics.text(),
              HasSubstr("mtasts_delivery_events_total{server=\"postfix\",event=\"observed-failure\"} 2\n"));
  EXPECT_THAT(metrics.text(), HasSubstr("mtasts_delivery_events_total{server=\"exim\",event=\"deferred\"} 0\n"));
}

}  // namespace
}  // namespace mtasts::server
