// Fetches one policy file and waits for it.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "fetch/fetcher.h"
#include "module/io/event_loop.h"
#include "tests/unit/lab.h"

namespace mtasts::test {

inline FetcherConfig lab_fetcher() {
  FetcherConfig config;
  config.timeout = std::chrono::seconds{10};
  config.ca_file = lab("CA");
  config.allow_private = {"127.0.0.0/8", "::1"};
  config.port = static_cast<std::uint16_t>(std::stoul(lab("POLICY_PORT")));
  return config;
}

// A loop and a fetcher on it.
class Fetching {
 public:
  explicit Fetching(const FetcherConfig& config)
      : loop_(make_event_loop().value()), fetcher_(make_fetcher(*loop_, config).value()) {}

  Result<std::string> fetch(const std::string& domain, const std::vector<std::string>& addresses) {
    std::optional<Result<std::string>> result;
    fetcher_->fetch(Domain::parse(domain).value(), addresses, Priority::kFirstContact, [&](Result<std::string> got) {
      EXPECT_FALSE(result) << "called back twice";
      result = std::move(got);
      loop_->stop();
    });
    EXPECT_FALSE(result) << "called back from inside the call";
    loop_->run();
    if (!result) return fail(ErrorCode::kInternal, "the loop ended without a result");
    return std::move(*result);
  }

  EventLoop& loop() { return *loop_; }
  Fetcher& fetcher() { return *fetcher_; }
  void destroy_fetcher() { fetcher_.reset(); }

 private:
  std::unique_ptr<EventLoop> loop_;
  std::unique_ptr<Fetcher> fetcher_;
};

}  // namespace mtasts::test
