// conf-examples/mtasts.toml tells the truth: every key that there is, at its default.
#include <gtest/gtest.h>

#include <fstream>
#include <regex>

#include "module/config/config.h"
#include "tests/unit/module/scratch.h"

namespace mtasts {
namespace {

// The example with the "#" of every key taken away, as its first lines tell the reader to do.
std::string uncommented() {
  std::ifstream example(MTASTS_SOURCE_DIR "/conf-examples/mtasts.toml");
  std::string text;
  for (std::string line; std::getline(example, line);) {
    text += std::regex_replace(line, std::regex("^#([a-z_]+ = )"), "$1") + "\n";
  }
  return text;
}

TEST(ExampleConfiguration, NamesEveryKeyAtItsDefault) {
  const Scratch scratch;
  const std::string empty = scratch.path() + "/empty.toml";
  const std::string full = scratch.path() + "/full.toml";
  std::ofstream(empty) << "";
  std::ofstream(full) << uncommented();
  const auto defaults = describe_config(empty);
  const auto settings = describe_config(full);
  ASSERT_TRUE(defaults);
  ASSERT_TRUE(settings) << settings.error().detail;
  ASSERT_EQ(defaults->size(), settings->size());
  for (std::size_t i = 0; i < settings->size(); ++i) {
    const Setting& setting = (*settings)[i];
    EXPECT_EQ(setting.value, (*defaults)[i].value) << setting.key;
    if (setting.key == "policy.override") continue;
    EXPECT_NE(setting.origin, "default") << setting.key << " is missing";
  }
}

TEST(ExampleConfiguration, SetsNothingAsItIs) {
  const auto settings = describe_config(MTASTS_SOURCE_DIR "/conf-examples/mtasts.toml");
  ASSERT_TRUE(settings);
  for (const Setting& setting : *settings) EXPECT_EQ(setting.origin, "default") << setting.key;
}

TEST(ExampleConfiguration, ItsOverrideCanBeSwitchedOn) {
  const Scratch scratch;
  std::ifstream example(MTASTS_SOURCE_DIR "/conf-examples/mtasts.toml");
  const std::string text{std::istreambuf_iterator<char>(example), {}};
  const std::string path = scratch.path() + "/mtasts.toml";
  std::ofstream(path) << std::regex_replace(text.substr(text.find("# [[policy.override]]")), std::regex("# "), "");
  const auto config = load_config(path);
  ASSERT_TRUE(config) << config.error().detail;
  EXPECT_EQ(config->decision.overrides.size(), 1U);
}

}  // namespace
}  // namespace mtasts
