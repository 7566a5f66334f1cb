// One domain looked at: all parts at the same time, so that it takes as long as the slowest of them.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "adapters/cli/check/facts.h"
#include "adapters/cli/check/mx_hosts.h"
#include "adapters/cli/check/zone.h"
#include "core/inspection.h"
#include "core/ports.h"

namespace mtasts::check {

inline constexpr std::size_t kMaxMxHosts = 20;  // of one domain; of the others nothing but the name is known
inline constexpr std::size_t kMaxPolicyAddresses = 16;

// What is behind a domain without an STS record is nobody's business but its owner's.
enum class WithoutRecord { kStop, kGoOn };

struct Outside {
  EventLoop& loop;
  Dns dns;
  HostInspector& inspector;
  MxHosts& mx_hosts;
};

// `done` is called once, from the loop, at the latest after `time`: what is not known then is said to be so. All of
// `outside` must outlive the observation and its questions.
void observe_domain(const Outside& outside, const Domain& domain, WithoutRecord without_record,
                    std::chrono::milliseconds time, std::function<void(Facts)> done);

}  // namespace mtasts::check
