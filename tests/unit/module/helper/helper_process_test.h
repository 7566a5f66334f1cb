// A configuration whose helper runs beside the test, with the engine of engines/prying.cc.
#pragma once

#include <gtest/gtest.h>
#include <linux/landlock.h>
#include <pwd.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "tests/unit/module/helper/copied_engines.h"
#include "tests/unit/module/helper/running_helper.h"
#include "tests/unit/module/scratch.h"

namespace mtasts {

inline bool is_root() { return ::geteuid() == 0; }

inline long landlock_version() {
  return ::syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION);
}

class HelperProcessTest : public ::testing::Test {
 protected:
  HelperProcessTest() {
    ::chmod(scratch_.path().c_str(), 0755);
    config_.helper_program = scratch_.path() + "/mtasts-lookup";
    std::filesystem::copy_file(MTASTS_TEST_ENGINE_DIR "/mtasts-lookup", config_.helper_program);
    ::chmod(config_.helper_program.c_str(), 0755);
    config_.engine_directory = make_directory("engines", 0755);
    use_engines(MTASTS_TEST_PRYING_ENGINE_DIR);
    config_.cache_directory = make_directory("store", 0777);
    config_.network.fetch.ca_file = make_directory("authorities", 0755) + "/ca.pem";
    std::ofstream(config_.network.fetch.ca_file) << "-----BEGIN CERTIFICATE-----\n";
    config_.user = "nobody";
  }
  std::string make_directory(const std::string& name, mode_t mode) {
    std::string path = scratch_.path() + "/" + name;
    std::filesystem::create_directories(path);
    ::chmod(path.c_str(), mode);
    return path;
  }
  void use_engines(const std::string& directory) { test::copy_engines(directory, config_.engine_directory); }
  static std::string ids(uid_t id) {
    const std::string one = std::to_string(id);
    return one + " " + one + " " + one + " " + one;
  }
  static const passwd& nobody() { return *::getpwnam("nobody"); }

  Scratch scratch_;
  Config config_;
};

}  // namespace mtasts
