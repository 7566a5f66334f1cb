// A HostInspector that gives nobody reason to take an audit for an attack: many domains of a list lead to the same few
// addresses, and web and mail servers refuse clients that connect too often.
#pragma once

#include <functional>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/inspection.h"
#include "core/ports.h"
#include "core/time.h"

namespace mtasts::check {

// Between the beginnings of two looks at one address; how many are under way at a time is the inspector's to bound.
inline constexpr std::chrono::milliseconds kLookInterval{20};

// One thread, that of `loop`. `loop` and `inspector` must outlive it; looks that wait when it ends are not made.
class PacedInspector : public HostInspector {
 public:
  using Clock = std::function<SteadyTime()>;

  PacedInspector(EventLoop& loop, HostInspector& inspector, Clock clock = std::chrono::steady_clock::now)
      : loop_(loop), inspector_(inspector), clock_(std::move(clock)) {}

  void policy_host(const Domain& domain, const std::string& address, PolicyHostDone done) override;
  void mx_host(const Domain& host, const std::string& address, const std::vector<TlsaRecord>& tlsa,
               MxHostDone done) override;

 private:
  void begin_in_turn(const std::string& address, std::function<void()> look);

  EventLoop& loop_;
  HostInspector& inspector_;
  Clock clock_;
  std::map<std::string, SteadyTime> free_at_;  // by address
  std::list<std::unique_ptr<EventLoop::Watch>> waiting_;
};

}  // namespace mtasts::check
