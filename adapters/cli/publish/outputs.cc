#include "adapters/cli/publish/outputs.h"

#include <algorithm>

#include "adapters/cli/publish/folders.h"

namespace mtasts::publish {
namespace {

constexpr mode_t kFolderMode = 0755;
constexpr mode_t kFileMode = 0644;
constexpr std::size_t kMaxFile = 256 * 1024 * 1024;

Result<void> write_if_other(const Folder& folder, const std::string& name, const std::string& text) {
  const auto there = read_file(folder, name, kMaxFile);
  if (!there) return tl::unexpected(there.error());
  return *there == text ? Result<void>() : replace_file(folder, name, text, kFileMode, Survives::kKill);
}

Result<Folder> made(Result<std::optional<Folder>> folder) {
  if (!folder) return tl::unexpected(folder.error());
  return std::move(**folder);
}

}  // namespace

Result<void> check_output(const std::string& out) {
  if (out.empty()) return {};
  const auto folder = open_folder(out, IfMissing::kFail, kFolderMode);
  if (!folder) return tl::unexpected(folder.error());
  return {};
}

Result<void> write_zones(const std::string& out, const std::vector<ZonePlan>& zones) {
  const auto top = made(open_folder(out, IfMissing::kMake, kFolderMode));
  if (!top) return tl::unexpected(top.error());
  const auto of_zones = made(open_below(*top, "zone", IfMissing::kMake));
  if (!of_zones) return tl::unexpected(of_zones.error());
  const auto of_scripts = made(open_below(*top, "nsupdate", IfMissing::kMake));
  if (!of_scripts) return tl::unexpected(of_scripts.error());
  for (const ZonePlan& zone : zones) {
    const std::string& name = zone.domain.text();
    if (auto done = write_if_other(*of_zones, name + ".zone", zone_lines(zone)); !done) return done;
    if (auto done = write_if_other(*of_scripts, name + ".txt", nsupdate_script(zone)); !done) return done;
  }
  return {};
}

Result<void> write_snippets(const std::string& out, const std::vector<Snippet>& snippets) {
  const auto top = made(open_folder(out, IfMissing::kMake, kFolderMode));
  if (!top) return tl::unexpected(top.error());
  for (const Snippet& snippet : snippets)
    if (auto done = write_if_other(*top, snippet.file, snippet.text()); !done) return done;
  return {};
}

Result<std::vector<std::size_t>> missing_blocks(const std::string& out, const std::vector<Snippet>& snippets) {
  const auto top = open_folder(out, IfMissing::kFail, kFolderMode);
  if (!top) return tl::unexpected(top.error());
  std::vector<std::size_t> missing;
  for (const Snippet& snippet : snippets) {
    const auto there = *top ? read_file(**top, snippet.file, kMaxFile) : Result<std::optional<std::string>>();
    if (!there) return tl::unexpected(there.error());
    const std::string text = there->value_or("");
    if (text == snippet.text()) continue;
    for (std::size_t i = 0; i < snippet.blocks.size(); ++i) {
      const bool is_missing = text.find("\n" + snippet.blocks[i]) == std::string::npos;
      if (is_missing && std::ranges::find(missing, i) == missing.end()) missing.push_back(i);
    }
  }
  return missing;
}

}  // namespace mtasts::publish
