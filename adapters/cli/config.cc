#include "adapters/cli/command.h"

namespace mtasts::cli {

// Read with the rights of whoever asks: it must work before the user of lookups exists.
int show_config(const std::string& path, const Surroundings& surroundings) {
  const auto settings = describe_config(path);
  if (!settings) return complain(surroundings, settings.error().detail, kConfiguration);
  for (const auto& [key, value, origin] : *settings) {
    surroundings.out << key << " = " << value << "  # " << origin << "\n";
  }
  return kApplies;
}

}  // namespace mtasts::cli
