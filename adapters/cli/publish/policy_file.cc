#include "adapters/cli/publish/policy_file.h"

namespace mtasts::publish {

std::string policy_file(Mode mode, std::chrono::seconds max_age, const std::vector<std::string>& mx) {
  std::string text = "version: STSv1\r\nmode: " + std::string(mode_name(mode)) + "\r\n";
  if (mode != Mode::kNone) {
    for (const std::string& pattern : mx) text += "mx: " + pattern + "\r\n";
  }
  return text + "max_age: " + std::to_string(max_age.count()) + "\r\n";
}

}  // namespace mtasts::publish
