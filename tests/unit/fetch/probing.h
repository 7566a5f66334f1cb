// Probes one MX host (tests/lab/raw_mx.py) and waits for the verdict.
#pragma once

#include <gtest/gtest.h>

#include <fstream>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "fetch/prober.h"
#include "module/io/event_loop.h"
#include "tests/unit/lab.h"

namespace mtasts::test {

inline ProberConfig lab_prober() {
  ProberConfig config;
  config.ca_file = lab("CA");
  config.allow_private = {"127.0.0.0/8", "::1"};
  config.port = static_cast<std::uint16_t>(std::stoul(lab("MX_PORT")));
  return config;
}

// Where the MX host with this behaviour is; or the one that shows to who sends no SNI the certificate of this name.
inline std::string mx_address(const std::string& behaviour) {
  std::ifstream file(lab("DIR") + "/mx.addresses");
  for (std::string name, address; file >> name >> address;)
    if (name == behaviour) return address;
  ADD_FAILURE() << "no MX host is called " << behaviour;
  return {};
}

// A loop and a prober on it.
class Probing {
 public:
  explicit Probing(const ProberConfig& config)
      : loop_(make_event_loop().value()), prober_(make_prober(*loop_, config).value()) {}

  MxTrial trial(const std::string& host, const std::vector<std::string>& addresses,
                MxProber::Sni sni = MxProber::Sni::kSent) {
    std::optional<MxTrial> trial;
    prober_->probe(host, addresses, sni, [&](const MxTrial& got) {
      EXPECT_FALSE(trial) << "called back twice";
      trial = got;
      loop_->stop();
    });
    EXPECT_FALSE(trial) << "called back from inside the call";
    loop_->run();
    return trial.value_or(MxTrial{fail(ErrorCode::kInternal, "the loop ended without a result")});
  }
  Result<void> probe(const std::string& host, const std::vector<std::string>& addresses) {
    return trial(host, addresses).result;
  }

  EventLoop& loop() { return *loop_; }
  // For who has a loop of his own to run.
  void begin(const std::string& host, const std::vector<std::string>& addresses,
             std::function<void(const Result<void>&)> done) {
    prober_->probe(host, addresses, MxProber::Sni::kSent,
                   [done = std::move(done)](const MxTrial& trial) { done(trial.result); });
  }
  void destroy_prober() { prober_.reset(); }

 private:
  std::unique_ptr<EventLoop> loop_;
  std::unique_ptr<MxProber> prober_;
};

}  // namespace mtasts::test
