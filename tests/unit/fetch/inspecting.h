// Looks at one policy host or MX host of the lab and waits for the fact.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "fetch/inspector.h"
#include "module/io/event_loop.h"
#include "tests/unit/fetch/fetching.h"
#include "tests/unit/fetch/probing.h"

namespace mtasts::test {

class Inspecting {
 public:
  explicit Inspecting(const FetcherConfig& policy_hosts = lab_fetcher(), const ProberConfig& mx_hosts = lab_prober())
      : loop_(make_event_loop().value()), inspector_(make_inspector(*loop_, policy_hosts, mx_hosts).value()) {}

  PolicyAddressFact policy_host(const std::string& domain, const std::string& address = "127.0.0.1") {
    return wait<PolicyAddressFact>(
        [&](auto done) { inspector_->policy_host(Domain::parse(domain).value(), address, std::move(done)); });
  }
  MxAddressFact mx_host(const std::string& host, const std::string& address, const std::vector<TlsaRecord>& tlsa = {}) {
    return wait<MxAddressFact>(
        [&](auto done) { inspector_->mx_host(Domain::parse(host).value(), address, tlsa, std::move(done)); });
  }

 private:
  template <typename Fact, typename Ask>
  Fact wait(Ask ask) {
    std::optional<Fact> fact;
    ask([&](Fact got) {
      EXPECT_FALSE(fact) << "called back twice";
      fact = std::move(got);
      loop_->stop();
    });
    EXPECT_FALSE(fact) << "called back from inside the call";
    loop_->run();
    return fact.value_or(Fact{.address = "no fact"});
  }

  std::unique_ptr<EventLoop> loop_;
  std::unique_ptr<HostInspector> inspector_;
};

}  // namespace mtasts::test
