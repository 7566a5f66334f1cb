#include "module/store/quota.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <functional>
#include <numeric>
#include <random>
#include <tuple>
#include <utility>

#include "module/io/wall_clock.h"
#include "module/store/files.h"

namespace mtasts {
namespace {

// So many entries, chosen at random, are compared when one must go: the least recently used of these is nearly the
// least recently used of all, and the cost does not depend on the size of the store.
constexpr std::size_t kSample = 16;
constexpr int kSamples = 4;
// While the store is larger than it may be, such as after the limits were lowered, each new entry replaces several.
constexpr int kReplacedAtOnce = 32;  // more than an entry has blocks
// Used again after this time: mail was sent there on several days, not once because of a stranger's message.
constexpr std::chrono::hours kOverTime{24};
// For so long no other domain's new entries replace a policy that was used once.
constexpr std::chrono::hours kGrace{7 * 24};
// In a full store a zone that takes so many times as much as the newcomer's gives way within that time, too.
constexpr std::int64_t kManyTimes = 8;
constexpr std::chrono::hours kWarnedAgain{1};

std::size_t random_below(std::size_t count) {
  static std::minstd_rand random{std::random_device{}()};
  return std::uniform_int_distribution<std::size_t>(0, count - 1)(random);
}

// The first `count` of the items are a random choice afterwards.
template <typename Item>
void choose(std::vector<Item>& items, std::size_t count) {
  for (std::size_t i = 0; i < std::min(count, items.size()); ++i)
    std::swap(items[i], items[i + random_below(items.size() - i)]);
  items.resize(std::min(count, items.size()));
}

// A shard, by chance: one that holds more is chosen more often. An entry without a block counts also where blocks do:
// it may have one in a ledger. nullopt: all are empty.
std::optional<unsigned> weighted_shard(const std::array<Usage, UsageFile::kShards>& usage, std::int64_t Usage::*what) {
  const auto weight = [what](const Usage& shard) { return std::max(shard.*what, shard.entries); };
  std::int64_t total = 0;
  for (const auto& shard : usage) total += weight(shard);
  if (total <= 0) return std::nullopt;
  auto left = static_cast<std::int64_t>(random_below(static_cast<std::size_t>(total)));
  unsigned chosen = 0;
  while (left >= weight(usage.at(chosen))) left -= weight(usage.at(chosen++));
  return chosen;
}

// What the names below a registrable domain take.
Usage names_below(int directory, const std::string& registrable_domain) {
  const auto file =
      open_below(directory, shard_of(registrable_domain), GroupLedger::kPrefix + registrable_domain, O_RDONLY);
  const auto names = file ? GroupLedger::read(file.get()) : std::nullopt;
  Usage sum;
  for (const auto& named : names.value_or(GroupLedger::Names{})) sum += {1, named.second};
  return sum;
}

struct Named {
  std::string name;
  WallTime used{};
  bool is_empty = false;
};

}  // namespace

// What lies in a shard.
struct StoreQuota::Listed {
  std::vector<std::string> entries;
  std::vector<std::string> ledgers;
  [[nodiscard]] std::int64_t files() const { return static_cast<std::int64_t>(entries.size() + ledgers.size()); }
};

StoreQuota::StoreQuota(std::string directory, const QuotaRules& rules, RegistrableDomain registrable_domain, Log& log)
    : directory_(std::move(directory)),
      rules_(rules),
      registrable_domain_(std::move(registrable_domain)),
      store_(directory_, log),
      usage_(directory_),
      log_(log) {}

Result<void> StoreQuota::admit(const CacheEntry& entry) {
  const std::string& name = entry.domain.text();
  const auto old = store_.look(entry.domain);
  const std::int64_t bytes = bytes_on_disk(stored_size(entry));
  const Usage growth{old ? 0 : 1, bytes - (old ? bytes_on_disk(old->bytes) : 0)};
  const Newcomer newcomer{entry.domain, registrable_domain_(name), entry.policy.has_value(), bytes, growth};
  if (growth.entries > 0 || growth.bytes > 0) {
    if (auto in_group = newcomer.is_below() ? admit_to_group(newcomer) : Result<void>(); !in_group) return in_group;
    if (auto in_store = admit_to_store(newcomer); !in_store) {
      if (newcomer.is_below()) withdraw_from_group(newcomer);
      return in_store;
    }
  } else if (newcomer.is_below()) {
    note_in_group(newcomer);
  }
  usage_.add(shard_number(name), growth);
  return {};
}

// Its own names make room for it, and for its line in their ledger.
Result<void> StoreQuota::admit_to_group(const Newcomer& newcomer) {
  GroupLedger ledger(directory_, newcomer.group);
  auto& names = ledger.names();
  names[newcomer.domain.text()] = newcomer.bytes;
  const std::int64_t most_bytes = rules_.bytes / kBytesShare;
  const std::int64_t alone = newcomer.bytes + GroupLedger::usage_of(1).bytes;
  const auto fits = [&](std::int64_t part, std::int64_t of) {
    return static_cast<std::int64_t>(names.size()) <= rules_.entries_per_domain * part / of &&
           ledger.bytes() <= std::max(most_bytes * part / of, alone);
  };
  if (!fits(1, 1)) make_room_in_group(newcomer, names, [&] { return fits(7, 8); });
  const bool admitted = fits(1, 1);
  if (!admitted) take_back(newcomer, names);
  ledger.save(usage_);
  if (admitted) return {};
  return fail(ErrorCode::kStoreUnavailable, "the names below " + newcomer.group + " take as much of " + directory_ +
                                                " as those of one domain may (cache.max_per_domain)");
}

// A name that the ledger has lost, or never had, comes back with the refresh of its policy.
void StoreQuota::note_in_group(const Newcomer& newcomer) {
  GroupLedger ledger(directory_, newcomer.group);
  ledger.names()[newcomer.domain.text()] = newcomer.bytes;
  ledger.save(usage_);
}

void StoreQuota::withdraw_from_group(const Newcomer& newcomer) {
  GroupLedger ledger(directory_, newcomer.group);
  take_back(newcomer, ledger.names());
  ledger.save(usage_);
}

// It is not saved: the ledger has what it had before.
void StoreQuota::take_back(const Newcomer& newcomer, GroupLedger::Names& names) {
  if (newcomer.growth.entries > 0)
    names.erase(newcomer.domain.text());
  else
    names[newcomer.domain.text()] = newcomer.bytes - newcomer.growth.bytes;
}

// Also of names that are gone without our doing.
void StoreQuota::make_room_in_group(const Newcomer& newcomer, GroupLedger::Names& names,
                                    const std::function<bool()>& fits) {
  const auto directory = open_directory(directory_);
  std::vector<Named> present;
  for (auto at = names.begin(); at != names.end();) {
    struct stat status {};
    const std::string path = shard_of(at->first) + "/" + at->first;
    const bool is_new = at->first == newcomer.domain.text();
    const bool is_there = directory && ::fstatat(directory.get(), path.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0;
    if (is_there && !is_new) present.push_back({at->first, from_epoch(status.st_atim.tv_sec), status.st_size == 0});
    at = is_there || is_new ? std::next(at) : names.erase(at);
  }
  std::ranges::sort(present, {}, [](const Named& one) { return std::tuple(!one.is_empty, one.used); });
  for (std::size_t i = 0; i < present.size() && !fits(); i += kSample) {
    std::vector<Domain> sample;
    for (std::size_t k = i; k < std::min(i + kSample, present.size()); ++k)
      if (auto domain = Domain::parse(present[k].name)) sample.push_back(std::move(*domain));
    bool any = false;
    while (!fits()) {
      const auto removed = remove_worst(sample, newcomer, &Usage::entries);
      if (!removed) break;
      any = true;
      names.erase(removed->text());
    }
    if (!any) return;
  }
}

Result<void> StoreQuota::admit_to_store(const Newcomer& newcomer) {
  for (int replaced = 0;; ++replaced) {
    const auto usage = usage_.read();
    if (!usage) return {};  // the store cannot be written at all, or is somebody else's
    Usage total = std::accumulate(usage->begin(), usage->end(), newcomer.growth,
                                  [](Usage sum, const Usage& shard) { return sum += shard; });
    const bool by_entries = newcomer.growth.entries > 0 && total.entries > rules_.entries;
    const bool by_bytes = (newcomer.growth.bytes > 0 || newcomer.is_below()) && total.bytes > rules_.bytes;
    if (!by_entries && !by_bytes) return {};
    if (replaced == kReplacedAtOnce) return {};
    if (!replace(newcomer, *usage, by_entries ? &Usage::entries : &Usage::bytes)) break;
  }
  if (store_.throttle().is_due("store-full", kWarnedAgain))
    log_.write(
        LogLevel::kWarning,
        LogLine("store-full")
            .field("directory", directory_)
            .text("effect", "what is found out of other domains is not cached")
            .text("action",
                  "raise cache.max_entries or cache.max_mb, or see with 'mtasts cache list' whose names fill it"));
  return fail(ErrorCode::kStoreUnavailable, directory_ + " is as full as it may be (cache.max_entries, cache.max_mb)");
}

// False: among the entries looked at, none may be replaced by this one.
bool StoreQuota::replace(const Newcomer& newcomer, std::array<Usage, UsageFile::kShards> usage, Measure measure) {
  const auto directory = open_directory(directory_);
  std::vector<Domain> sample;
  for (int samples = 0; samples < kSamples;) {
    const auto shard = directory ? weighted_shard(usage, measure) : std::nullopt;
    if (!shard) return remove_worst(sample, newcomer, measure).has_value();  // a small store: that was all of it
    const auto opened = open_shard(directory.get(), shard_name(*shard));
    auto listed = list(opened.get());
    if (listed && listed->files() < usage.at(*shard).entries) {
      recount(*shard, opened.get(), *listed);
      return true;  // there may be room
    }
    usage.at(*shard) = {};
    if (!listed) continue;  // others may do
    choose(listed->entries, kSample - sample.size());
    for (const auto& name : listed->entries)
      if (auto domain = Domain::parse(name)) sample.push_back(std::move(*domain));
    if (sample.size() < kSample) continue;
    if (remove_worst(sample, newcomer, measure)) return true;
    sample.clear();
    ++samples;
  }
  return false;
}

// nullopt: it cannot be listed.
std::optional<StoreQuota::Listed> StoreQuota::list(int shard) {
  auto names = names_in(shard);
  if (!names) return std::nullopt;
  Listed listed;
  for (auto& name : *names) {
    if (name.starts_with(GroupLedger::kPrefix))
      listed.ledgers.push_back(std::move(name));
    else if (!name.starts_with('.'))
      listed.entries.push_back(std::move(name));
  }
  return listed;
}

// Entries were removed that nobody subtracted.
void StoreQuota::recount(unsigned shard, int opened, const Listed& listed) {
  const auto size_of = [opened](const std::string& name) -> std::optional<std::uint64_t> {
    struct stat status {};
    if (::fstatat(opened, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) return std::nullopt;
    return static_cast<std::uint64_t>(status.st_size);
  };
  Usage counted;
  for (const auto& name : listed.entries)
    if (const auto size = size_of(name)) counted += {1, bytes_on_disk(*size)};
  for (const auto& name : listed.ledgers)
    if (const auto size = size_of(name)) counted += GroupLedger::usage_of(*size);
  usage_.set(shard, counted);
}

std::optional<Domain> StoreQuota::remove_worst(const std::vector<Domain>& sample, const Newcomer& newcomer,
                                               Measure measure) {
  std::vector<Candidate> candidates;
  for (const auto& domain : sample) {
    auto candidate = domain == newcomer.domain ? std::nullopt : look(domain);
    if (candidate && counts_for(*candidate, measure)) candidates.push_back(std::move(*candidate));
  }
  std::ranges::sort(candidates, {},
                    [](const Candidate& one) { return std::tuple(one.has_policy, one.used_over_time, one.used); });
  for (const auto& candidate : candidates)
    if (may_replace(newcomer, candidate) && remove(candidate)) return candidate.domain;
  return newcomer.has_policy ? remove_of_largest(candidates, newcomer, measure) : std::nullopt;
}

// A few zones that fill the store keep no other domain's policy out. The least recently used is first among
// `candidates`, and stays first within its zone.
std::optional<Domain> StoreQuota::remove_of_largest(const std::vector<Candidate>& candidates, const Newcomer& newcomer,
                                                    Measure measure) {
  const auto directory = open_directory(directory_);
  if (!directory) return std::nullopt;
  const auto zone_takes = [&](const std::string& name, const std::string& zone, const Usage& size) {
    Usage sum = names_below(directory.get(), zone);
    if (name == zone) sum += size;
    return std::max(sum.*measure, size.*measure);
  };
  const auto most = zone_takes(newcomer.domain.text(), newcomer.group, {1, newcomer.bytes});
  std::vector<std::pair<std::int64_t, const Candidate*>> large;
  for (const auto& candidate : candidates) {
    const std::string zone = registrable_domain_(candidate.domain.text());
    const auto takes = zone_takes(candidate.domain.text(), zone, candidate.size);
    if (!candidate.used_over_time && zone != newcomer.group && takes >= kManyTimes * most)
      large.emplace_back(takes, &candidate);
  }
  std::ranges::stable_sort(large, std::greater<>(), [](const auto& one) { return one.first; });
  for (const auto& [takes, candidate] : large)
    if (remove(*candidate)) return candidate->domain;
  return std::nullopt;
}

std::optional<StoreQuota::Candidate> StoreQuota::look(const Domain& domain) {
  const auto found = store_.look(domain);
  if (!found) return std::nullopt;
  const bool has_policy = found->entry && found->entry->policy_in_force(now()) != nullptr;
  return Candidate{domain, has_policy, found->used - found->since >= kOverTime, found->used,
                   Usage{1, bytes_on_disk(found->bytes)}};
}

// One without a block of its own may have one in a ledger.
bool StoreQuota::counts_for(const Candidate& candidate, Measure measure) const {
  const std::string& name = candidate.domain.text();
  return candidate.size.*measure > 0 || registrable_domain_(name) != name;
}

// What a stranger made us look up replaces nobody else's policy that is in use (docs/adr/0013-store-quotas.md).
bool StoreQuota::may_replace(const Newcomer& newcomer, const Candidate& candidate) const {
  if (!candidate.has_policy) return true;
  if (!newcomer.has_policy) return false;
  const auto unused = now() - candidate.used;
  if (candidate.used_over_time) return unused >= rules_.forget;
  return unused >= kGrace || registrable_domain_(candidate.domain.text()) == newcomer.group;
}

bool StoreQuota::remove(const Candidate& candidate) {
  const auto first = store_.claim(candidate.domain, PolicyStore::Slot::kFirst);
  const auto second = store_.claim(candidate.domain, PolicyStore::Slot::kSecond);
  if (!first || !second) return false;
  // Before the claims were had, another process may have saved a policy in its place, or mail may have been sent there.
  if (look(candidate.domain) != candidate) return false;
  const auto removed = store_.remove(candidate.domain);
  if (removed != FileStore::Removal::kRemoved) return false;
  usage_.add(shard_number(candidate.domain.text()), {-1, -candidate.size.bytes});
  return true;
}

}  // namespace mtasts
