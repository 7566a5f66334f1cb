#include "module/io/file_watch.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "tests/unit/module/fakes.h"
#include "tests/unit/module/scratch.h"

namespace mtasts {
namespace {

TEST(FileWatch, TellsOfEveryChangeOnce) {
  const Scratch scratch;
  const std::string path = scratch.path() + "/resolv.conf";
  const auto write = [](const std::string& to, const std::string& text) { std::ofstream(to) << text; };
  write(path, "nameserver 192.0.2.1\n");
  FakeLoop loop;
  int changes = 0;
  const FileWatch watch(loop, path, [&] {
    ++changes;
    return true;
  });
  loop.advance(std::chrono::minutes(5));
  EXPECT_EQ(changes, 0);
  write(path, "nameserver 192.0.2.200\n");
  loop.advance(std::chrono::minutes(5));
  EXPECT_EQ(changes, 1) << "written in place";
  write(path + ".new", "nameserver 192.0.2.200\n");
  std::filesystem::rename(path + ".new", path);
  loop.advance(std::chrono::minutes(5));
  EXPECT_EQ(changes, 2) << "another file in its place";
  std::filesystem::remove(path);
  loop.advance(FileWatch::kPeriod);
  EXPECT_EQ(changes, 3) << "gone";
}

// Such as one that is not readable yet, or where the process has no descriptor left at that moment.
TEST(FileWatch, WhatCouldNotBeFollowedIsToldOfUntilItCould) {
  const Scratch scratch;
  const std::string path = scratch.path() + "/resolv.conf";
  FakeLoop loop;
  bool can_follow = false;
  int told = 0;
  FileWatch watch(loop, path, [&] {
    ++told;
    return can_follow;
  });
  std::ofstream(path) << "nameserver 192.0.2.1\n";
  loop.advance(2 * FileWatch::kPeriod);
  EXPECT_EQ(told, 2);
  can_follow = true;
  watch.look();
  EXPECT_EQ(told, 3);
  loop.advance(std::chrono::minutes(5));
  EXPECT_EQ(told, 3);
}

}  // namespace
}  // namespace mtasts
