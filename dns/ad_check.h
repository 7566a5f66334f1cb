// One resolver's AD bit: does it count? Where that has to be seen first, the resolver is asked, once in the life of the
// object; where nothing could be seen, again after a minute.
#pragma once

#include <chrono>
#include <functional>
#include <string>

#include "core/time.h"
#include "dns/ad_trust.h"
#include "dns/reply.h"

namespace mtasts {

class Upstream;

// One thread. The upstream must outlive the object.
class AdCheck {
 public:
  using Clock = std::chrono::steady_clock;

  // `report` is called whenever an answer with AD meets a verdict that it has not told yet.
  AdCheck(Upstream& upstream, AdRule rule, ResolverConfig::AdReport report)
      : upstream_(upstream), rule_(std::move(rule)), report_(std::move(report)) {}
  AdCheck(const AdCheck&) = delete;
  AdCheck& operator=(const AdCheck&) = delete;

  // Does the AD bit of an answer that came now count? Only where nothing has to be asked first, see is_settled().
  bool trusts();
  [[nodiscard]] bool is_settled() const;
  [[nodiscard]] bool is_asking() const { return asking_; }
  // Asks, with the question of an answer that had AD. `done` is called when it is settled: inside getdns, perhaps
  // before this returns.
  void ask(const std::string& name, RrType type, std::function<void()> done);

 private:
  struct Questions;
  void finish(const Questions& questions);

  Upstream& upstream_;
  AdRule rule_;
  ResolverConfig::AdReport report_;
  std::string reported_;
  bool asking_ = false;
  SteadyTime not_before_{};  // nothing was to be seen a moment ago
};

}  // namespace mtasts
