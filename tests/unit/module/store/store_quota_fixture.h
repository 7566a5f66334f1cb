// A store whose entries are saved within their limits, as every writer does it.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <array>
#include <chrono>
#include <filesystem>
#include <string>

#include "module/engine/public_suffix.h"
#include "module/io/wall_clock.h"
#include "module/store/group_ledger.h"
#include "module/store/quota.h"
#include "module/store/writing_store.h"
#include "tests/unit/module/fakes.h"
#include "tests/unit/module/scratch.h"

namespace mtasts {

namespace fs = std::filesystem;

inline Domain domain(const std::string& name) { return *Domain::parse(name); }

inline CacheEntry without_policy(const std::string& name) {
  return {domain(name), {RecordMemory::State::kAbsent, now() + std::chrono::hours(1), {}, {}}, {}, {}};
}

inline CacheEntry with_policy(const std::string& name, std::size_t size = 0,
                              std::chrono::seconds max_age = std::chrono::hours(700)) {
  std::string body =
      "version: STSv1\nmode: enforce\nmx: mx.example.com\nmax_age: " + std::to_string(max_age.count()) + "\n";
  if (size > body.size() + 6) body += "note: " + std::string(size - body.size() - 7, 'x') + "\n";
  CacheEntry entry{domain(name), {RecordMemory::State::kFound, now() + std::chrono::hours(1), "1", {}}, {}, {}};
  entry.policy = StoredPolicy{"1", now(), body, *parse_policy(body)};
  return entry;
}

class StoreQuotaTest : public ::testing::Test {
 protected:
  StoreQuotaTest() { rules_.entries = 8; }

  // As every writer is: a process of its own.
  Result<void> put(const CacheEntry& entry) {
    StoreQuota quota(scratch_.path(), rules_, registrable_domain, log_);
    return WritingStore(store_, quota).put(entry);
  }
  bool has(const std::string& name) { return store_.look(domain(name)).has_value(); }
  fs::path file(const std::string& name) {
    for (const auto& item : fs::recursive_directory_iterator(scratch_.path()))
      if (item.path().filename() == name) return item.path();
    return {};
  }
  void set_times(const std::string& name, std::chrono::seconds since_ago, std::chrono::seconds used_ago) {
    const auto at = [](std::chrono::seconds ago) { return timespec{(now() - ago).time_since_epoch().count(), 0}; };
    const std::array<timespec, 2> times{at(used_ago), at(since_ago)};
    ASSERT_EQ(::utimensat(AT_FDCWD, file(name).c_str(), times.data(), 0), 0) << name;
  }
  void set_used(const std::string& name, std::chrono::seconds ago) {
    const std::array<timespec, 2> times{timespec{(now() - ago).time_since_epoch().count(), 0}, timespec{0, UTIME_OMIT}};
    ASSERT_EQ(::utimensat(AT_FDCWD, file(name).c_str(), times.data(), 0), 0) << name;
  }
  std::size_t count() {
    std::size_t number = 0;
    for (const auto& item : fs::recursive_directory_iterator(scratch_.path()))
      if (!item.is_directory() && !item.path().filename().string().starts_with(".")) ++number;
    return number;
  }
  // Of files: entries and ledgers, what they take on disk.
  Usage usage() {
    Usage sum;
    for (const auto& item : fs::recursive_directory_iterator(scratch_.path())) {
      struct stat status {};
      if (item.is_directory() || item.path().parent_path() == scratch_.path()) continue;
      if (::stat(item.path().c_str(), &status) == 0) sum += {1, status.st_blocks * 512};
    }
    return sum;
  }
  // Two names below each of many registrable domains, of which there need not be any.
  void put_absences(const std::string& domain, int many) {
    for (int i = 0; i < many; ++i) {
      const std::string below = "." + domain + std::to_string(i) + ".test";
      put(without_policy("a" + below));
      put(without_policy("b" + below));
    }
  }
  std::uintmax_t bytes() {
    std::uintmax_t sum = 0;
    for (const auto& item : fs::recursive_directory_iterator(scratch_.path()))
      if (!item.is_directory()) sum += item.file_size();
    return sum;
  }

  FakeLog log_;
  Scratch scratch_;
  QuotaRules rules_;
  FileStore store_{scratch_.path(), log_};
};

}  // namespace mtasts
