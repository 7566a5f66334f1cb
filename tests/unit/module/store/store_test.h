// A store in a directory of its own, and what is kept in it.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "module/io/wall_clock.h"
#include "module/store/policy_store.h"
#include "tests/unit/core/builders.h"
#include "tests/unit/module/fakes.h"
#include "tests/unit/module/scratch.h"

namespace mtasts::test {

inline CacheEntry with_policy(const std::string& name = "example.com") {
  const WallTime at = now();
  CacheEntry entry{domain(name), {RecordMemory::State::kFound, at + std::chrono::seconds(300), "abc", {}}, {}, {}};
  entry.policy = StoredPolicy{"abc", at, kPolicy, *parse_policy(kPolicy)};
  return entry;
}

class StoreTest : public ::testing::Test {
 protected:
  // Where the only file of the store lies.
  std::filesystem::path file() {
    for (const auto& item : std::filesystem::recursive_directory_iterator(scratch_.path())) {
      if (!item.is_directory() && item.path().filename() != ".usage") return item.path();
    }
    return {};
  }
  static std::string content(const std::filesystem::path& path) {
    std::ifstream stream(path);
    return {std::istreambuf_iterator<char>(stream), {}};
  }
  FakeLog log_;
  Scratch scratch_;
  FileStore store_{scratch_.path(), log_};
};

}  // namespace mtasts::test
