// The service in force, with what a program builds upon it, and those before it that still end what they have begun.
#pragma once

#include <memory>
#include <utility>
#include <vector>

#include "module/service.h"

namespace mtasts {

// Instance has a member `std::unique_ptr<Service> service`, declared before all that uses it. One thread.
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

 private:
  std::unique_ptr<Instance> instance_;
  std::vector<std::unique_ptr<Instance>> retired_;
};

}  // namespace mtasts
