// Limits on what the store holds, so that strangers, who decide which domains are looked up, cannot fill a disk with
// them or push other domains' policies out (docs/adr/0013-store-quotas.md). The writers ask before they save.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "module/store/group_ledger.h"
#include "module/store/policy_store.h"
#include "module/store/quota_rules.h"
#include "module/store/usage.h"

namespace mtasts {

// Belongs to one thread. `log` must outlive it.
class StoreQuota {
 public:
  using RegistrableDomain = std::function<std::string(const std::string& domain)>;
  static constexpr std::int64_t kBytesShare = 256;

  StoreQuota(std::string directory, const QuotaRules& rules, RegistrableDomain registrable_domain, Log& log);

  // Makes room for the entry and counts it: to be asked right before it is saved. Removes entries of less worth where
  // that is necessary. Error kStoreUnavailable: there is no room for it.
  Result<void> admit(const CacheEntry& entry);

  [[nodiscard]] const RegistrableDomain& registrable_domain() const { return registrable_domain_; }

 private:
  using Measure = std::int64_t Usage::*;
  struct Newcomer {
    const Domain& domain;
    std::string group;
    bool has_policy;
    std::int64_t bytes;
    Usage growth;  // of its file
    // Listed in a ledger (group_ledger.h).
    [[nodiscard]] bool is_below() const { return group != domain.text(); }
  };
  struct Candidate {
    Domain domain;
    bool has_policy;
    bool used_over_time;
    WallTime used;
    Usage size;
    friend bool operator==(const Candidate&, const Candidate&) = default;
  };

  Result<void> admit_to_group(const Newcomer& newcomer);
  void note_in_group(const Newcomer& newcomer);
  void withdraw_from_group(const Newcomer& newcomer);
  static void take_back(const Newcomer& newcomer, GroupLedger::Names& names);
  void make_room_in_group(const Newcomer& newcomer, GroupLedger::Names& names, const std::function<bool()>& fits);
  Result<void> admit_to_store(const Newcomer& newcomer);
  bool replace(const Newcomer& newcomer, std::array<Usage, UsageFile::kShards> usage, Measure measure);
  struct Listed;
  static std::optional<Listed> list(int shard);
  void recount(unsigned shard, int opened, const Listed& listed);
  std::optional<Domain> remove_worst(const std::vector<Domain>& sample, const Newcomer& newcomer, Measure measure);
  std::optional<Domain> remove_of_largest(const std::vector<Candidate>& candidates, const Newcomer& newcomer,
                                          Measure measure);
  std::optional<Candidate> look(const Domain& domain);
  [[nodiscard]] bool may_replace(const Newcomer& newcomer, const Candidate& candidate) const;
  [[nodiscard]] bool counts_for(const Candidate& candidate, Measure measure) const;
  bool remove(const Candidate& candidate);

  std::string directory_;
  QuotaRules rules_;
  RegistrableDomain registrable_domain_;
  FileStore store_;  // with claims of its own: what this process looks up now is not removed
  UsageFile usage_;
  Log& log_;
};

}  // namespace mtasts
