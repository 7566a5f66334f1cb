// The service in force, with what a program builds upon it, and those before it that still end what they have begun.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "module/service_instance.h"

namespace mtasts {

// Whether the last change of resolv.conf is in force.
class ResolversFollowed {
 public:
  // True: it is. What stands against it is logged once for each reason.
  bool note(Log& log, const Result<void>& reopened);

 private:
  std::string fault_;
};

// Instance is a ServiceInstance. One thread.
template <typename Instance>
class ReloadableService {
 public:
  // False until the first replace().
  explicit operator bool() const { return instance_ != nullptr; }
  Instance* operator->() const { return instance_.get(); }

  // From now on this one; the one before it goes when nothing of it is under way.
  void replace(std::unique_ptr<Instance> fresh) {
    std::swap(instance_, fresh);
    if (!fresh) return;
    retired_.push_back(std::move(fresh));
    Instance* old = retired_.back().get();
    old->service->retire([this, old] { std::erase_if(retired_, [old](const auto& one) { return one.get() == old; }); });
  }

  // Does it ask the resolvers of /etc/resolv.conf, so that it must be replaced when that changes?
  [[nodiscard]] bool follows_resolv_conf() const {
    return instance_ && instance_->service->config().network.dns.resolvers.empty();
  }
  // When that has changed: `reopen` replaces it by one with the same configuration. False: it could not, which is
  // logged; try it again.
  bool follow_resolv_conf(Log& log, const std::function<Result<void>(const Config&)>& reopen) {
    if (!follows_resolv_conf()) return true;
    return resolvers_.note(log, reopen(instance_->service->config()));
  }

 private:
  std::unique_ptr<Instance> instance_;
  std::vector<std::unique_ptr<Instance>> retired_;
  ResolversFollowed resolvers_;
};

}  // namespace mtasts
