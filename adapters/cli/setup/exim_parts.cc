#include "adapters/cli/setup/exim_parts.h"

#include <algorithm>
#include <set>

#include "adapters/cli/setup/files.h"
#include "adapters/cli/setup/marks.h"
#include "adapters/cli/setup/state.h"

namespace mtasts::setup {
namespace {

// The parts of this version, as files and as blocks.
std::set<std::string> shipped_parts(const std::string& data_folder) {
  std::set<std::string> parts;
  for (const char* way : {"/exim/", "/exim-socket/"}) {
    for (const EximKind kind : {EximKind::kInternet, EximKind::kSmarthost}) {
      for (const EximPart& part : exim_parts(kind)) {
        const auto text = read_file("", data_folder + way + part.source);
        if (!text || !*text) continue;
        parts.insert(**text);
        parts.insert(marked_block("#", "exim", **text));
      }
    }
  }
  return parts;
}

bool is_old(const SavedFile& file, const std::string& current, const std::set<std::string>& shipped) {
  const bool is_template = !blocks(file.after).empty();
  const auto differs = [&](const std::string& text) {
    const auto parts = is_template ? blocks(text) : std::vector<std::string>{text};
    return std::ranges::any_of(parts, [&](const std::string& part) { return !shipped.contains(part); });
  };
  return differs(file.after) && differs(current);
}

}  // namespace

const std::vector<EximPart>& exim_parts(EximKind kind) {
  static const std::vector<EximPart> internet = {
      {"conf.d/main/05_mtasts", "main/05_mtasts", "main/90_exim4-config_log_selector"},
      {"conf.d/router/150_mtasts", "router/150_mtasts", "router/200_exim4-config_primary"},
      {"conf.d/transport/30_mtasts", "transport/30_mtasts", "transport/35_exim4-config_address_directory"}};
  static const std::vector<EximPart> smarthost = {
      internet[0],
      {"smarthost/conf.d/router/150_mtasts_smarthost", "router/150_mtasts_smarthost",
       "router/200_exim4-config_primary"},
      {"smarthost/conf.d/transport/30_mtasts_smarthost", "transport/30_mtasts_smarthost",
       "transport/35_exim4-config_address_directory"}};
  return kind == EximKind::kInternet ? internet : smarthost;
}

bool has_old_exim_parts(const std::string& root, const std::string& data_folder) {
  const auto saved = load_state(root, "exim");
  const std::set<std::string> shipped = shipped_parts(data_folder);
  if (!saved || !*saved || shipped.empty()) return false;
  return std::ranges::any_of((*saved)->files, [&](const SavedFile& file) {
    const auto current = read_file(root, file.path);
    return current && *current && is_old(file, **current, shipped);
  });
}

}  // namespace mtasts::setup
