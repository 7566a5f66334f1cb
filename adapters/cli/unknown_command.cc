#include <CLI/CLI.hpp>

#include "adapters/cli/declarations.h"
#include "adapters/cli/spelling.h"
#include "core/result.h"

namespace mtasts::cli {
namespace {

const CLI::App* subcommand(const CLI::App& app, const std::string& name) {
  const auto found = app.get_subcommands([&](const CLI::App* one) { return one->get_name() == name; });
  return found.empty() ? nullptr : found.front();
}

std::vector<std::string> names_of(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* one : app.get_subcommands([](const CLI::App*) { return true; }))
    names.push_back(one->get_name());
  return names;
}

}  // namespace

std::optional<std::string> unknown_command(const CLI::App& app, std::span<const std::string> args) {
  const CLI::App* at = &app;
  for (std::size_t i = 0; i < args.size() && at->get_require_subcommand_min() > 0; ++i) {
    const bool is_option = args[i].starts_with('-');
    if (args[i] == "--config") ++i;  // the one option before a command that has a value
    if (is_option) continue;
    const CLI::App* next = subcommand(*at, args[i]);
    if (next == nullptr) {
      const std::string meant = closest(args[i], names_of(*at));
      const std::string path = at == &app ? "mtasts" : "mtasts " + at->get_name();
      return "unknown command '" + escaped(args[i], 40) + "'" +
             (meant.empty() ? "; see " + path + " --help" : "; did you mean " + meant + "?");
    }
    at = next;
  }
  return std::nullopt;
}

}  // namespace mtasts::cli
