// The list of configuration keys: for each its name, what is allowed, how it is read and shown. Only
// module/config/config*.cc and its tests include this.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "module/config/config.h"

namespace mtasts {

// A TOML value as far as any of our keys takes one.
using ConfigValue = std::variant<std::monostate, std::string, std::int64_t, bool, std::vector<std::string>>;

struct ConfigKey {
  std::string_view section;
  std::string_view name;
  std::string_view allowed;                                // completes "must be ..."
  bool (*read)(Config& config, const ConfigValue& value);  // false: not allowed, nothing changed
  std::string (*show)(const Config& config);               // as TOML
};

// In the order of the documentation. [[policy.override]] is not among them: it is an array of tables.
std::span<const ConfigKey> config_keys();

}  // namespace mtasts
