// `mtasts status` as tests run it: on a machine, a store and a resolver of their own.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>

#include "adapters/cli/status/status.h"
#include "module/io/wall_clock.h"
#include "module/store/clock_watch.h"
#include "tests/unit/module/fake_log.h"
#include "tests/unit/module/scratch.h"

namespace mtasts::cli {

using namespace std::chrono_literals;

class StatusTest : public testing::Test {
 protected:
  StatusTest() {
    std::filesystem::create_directory(store_);
    std::ofstream(config_) << "[socketmap]\nlisten = [\"unix:" << scratch_.path()
                           << "/socket\"]\n[cache]\ndirectory = \"" << store_ << "\"\n";
  }
  void file(const std::string& path, const std::string& text) {
    std::filesystem::create_directories(std::filesystem::path(root_ + path).parent_path());
    std::ofstream(root_ + path) << text;
  }
  // There, and not to be read by anybody: for root, too.
  void unreadable(const std::string& path) {
    std::filesystem::create_directories(std::filesystem::path(path).parent_path());
    std::filesystem::remove_all(path);
    std::filesystem::create_symlink(std::filesystem::path(path).filename(), path);
  }
  void cache(const std::string& name, const std::string& mode, WallTime fetched, bool is_failing = false) {
    cache_in(store_, name, mode, fetched, is_failing);
  }
  void cache_in(const std::string& store, const std::string& name, const std::string& mode, WallTime fetched,
                bool is_failing) {
    CacheEntry entry{*Domain::parse(name), {}, std::nullopt, std::nullopt};
    entry.record = {RecordMemory::State::kFound, now() + 1h, "20260101", ""};
    const std::string body = "version: STSv1\nmode: " + mode + "\nmx: mx." + name + "\nmax_age: 86400\n";
    entry.policy = StoredPolicy{"20260101", fetched, body, *parse_policy(body)};
    if (is_failing)
      entry.failure = FetchFailure{"2", 1, 1, now() + 1h, {ErrorCode::kWebPkiInvalid, "the certificate has expired"}};
    FakeLog log(log_);
    ASSERT_TRUE(FileStore(store, log).put(entry));
  }
  // The hourly refresh has just run.
  void refresh() { static_cast<void>(ClockWatch(store_).is_steady(now())); }
  int run(bool json) {
    out_.str("");
    err_.str("");
    return show_status(config_, {json, root_, data_, [this] { return resolver_; }},
                       {out_, err_, false, [](const std::string&) { return Result<void>(); },
                        [this] { return std::make_unique<FakeLog>(log_); }});
  }

  Scratch scratch_;
  std::string root_ = scratch_.path() + "/root";
  std::string data_ = scratch_.path() + "/data";
  std::string store_ = scratch_.path() + "/store";
  std::string config_ = scratch_.path() + "/mtasts.toml";
  setup::ResolverState resolver_ = setup::ResolverState::kValidates;
  std::shared_ptr<Lines> log_ = std::make_shared<Lines>();
  std::ostringstream out_;
  std::ostringstream err_;
};

}  // namespace mtasts::cli
