// The command line as tests run it.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "adapters/cli/command.h"
#include "module/io/wall_clock.h"
#include "tests/unit/module/fake_log.h"
#include "tests/unit/module/scratch.h"

namespace mtasts::cli {

// The program on a store of its own; its resolver is a closed port.
class Program : public testing::Test {
 protected:
  Program() {
    std::filesystem::create_directory(store_);
    configure("[dns]\nresolvers = [\"127.0.0.1:1\"]\ntimeout_s = 1\n[engine]\non_dns_failure = \"defer\"\n");
  }

  void configure(const std::string& text) {
    std::ofstream(config_) << text << "[cache]\ndirectory = \"" << store_ << "\"\n";
  }
  void cache(const std::string& name, const std::string& mode, WallTime fetched = now()) {
    CacheEntry entry{*Domain::parse(name), {}, std::nullopt, std::nullopt};
    entry.record = {RecordMemory::State::kFound, now() + std::chrono::hours(1), "20260101", ""};
    const std::string body = "version: STSv1\nmode: " + mode + "\nmx: mx." + name + "\nmax_age: 86400\n";
    entry.policy = StoredPolicy{"20260101", fetched, body, *parse_policy(body)};
    entry.dane = DaneMemory{DaneState::kNone, now() + std::chrono::hours(1), "its MX records are not signed"};
    FakeLog log(log_);
    ASSERT_TRUE(FileStore(store_, log).put(entry));
  }
  int run(std::vector<std::string> words) {
    out_.str("");
    err_.str("");
    words.insert(words.begin(), {"--config", config_});
    return cli::run(words, {out_, err_, colour_, [this](const std::string& user) { return become(user); },
                            [this] { return std::make_unique<FakeLog>(log_); }, nullptr, 80, progress_});
  }
  Result<void> become(const std::string& user) {
    became_.push_back(user);
    return {};
  }

  Scratch scratch_;
  std::string store_ = scratch_.path() + "/store";
  std::string config_ = scratch_.path() + "/mtasts.toml";
  std::shared_ptr<Lines> log_ = std::make_shared<Lines>();
  std::ostringstream out_;
  std::ostringstream err_;
  bool colour_ = false;
  bool progress_ = false;
  std::vector<std::string> became_;
};

}  // namespace mtasts::cli
