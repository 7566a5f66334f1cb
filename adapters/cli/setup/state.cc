#include "adapters/cli/setup/state.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <set>
#include <sstream>

#include "adapters/cli/setup/files.h"
#include "core/fnv1a.h"

namespace mtasts::setup {
namespace {

constexpr const char* kParent = "/etc/mtasts";
constexpr const char* kFolder = "/etc/mtasts/setup";
constexpr const char* kFirstLine = "mtasts-setup 1";

std::string manifest(const std::string& host) { return state_folder(host) + "/manifest"; }

// Named by what is in it, so that a copy is never replaced by another one.
std::string copy_name(const std::string& path, const std::string& bytes) {
  std::ostringstream name;
  name << path.substr(path.rfind('/') + 1) << "." << std::hex << fnv1a_64(bytes);
  return name.str();
}

Result<void> make_private_folder(const std::string& root, const std::string& path) {
  for (const std::string& folder : {std::string(kParent), std::string(kFolder), path}) {
    const mode_t mode = folder == kParent ? 0755 : 0700;
    if (::mkdir((root + folder).c_str(), mode) != 0 && errno != EEXIST)
      return fail(ErrorCode::kConfig, folder + " cannot be made: " + std::strerror(errno));
  }
  return {};
}

Result<std::string> load_copy(const std::string& root, const std::string& host, const std::string& path,
                              const std::string& name) {
  const auto bytes = read_file(root, state_folder(host) + "/" + name);
  if (!bytes) return tl::unexpected(bytes.error());
  if (*bytes && copy_name(path, **bytes) == name) return **bytes;
  return fail(ErrorCode::kConfig, "the copy " + state_folder(host) + "/" + name +
                                      " is missing or damaged; put the configuration right by hand and remove " +
                                      state_folder(host));
}

std::vector<std::string> fields_of(const std::string& line) {
  std::vector<std::string> fields;
  std::istringstream words(line);
  for (std::string field; std::getline(words, field, '\t');) fields.push_back(field);
  return fields;
}

Result<SavedFile> parse_file(const std::string& root, const std::string& host, const std::vector<std::string>& fields) {
  SavedFile file{fields[1],
                 std::nullopt,
                 {},
                 fields.size() > 4 ? fields[4] : std::string(),
                 fields.size() > 5 && fields[5] == "generated"};
  if (fields[2] != "-") {
    auto before = load_copy(root, host, file.path, fields[2]);
    if (!before) return tl::unexpected(before.error());
    file.before = std::move(*before);
  }
  auto after = load_copy(root, host, file.path, fields[3]);
  if (!after) return tl::unexpected(after.error());
  file.after = std::move(*after);
  return file;
}

std::set<std::string> copy_names(const Saved& saved) {
  std::set<std::string> names = {"manifest"};
  for (const SavedFile& file : saved.files) {
    if (file.before) names.insert(copy_name(file.path, *file.before));
    names.insert(copy_name(file.path, file.after));
  }
  return names;
}

// Everything in the folder but what is to be kept.
void clean(const std::string& root, const std::string& host, const std::set<std::string>& keep) {
  const std::unique_ptr<DIR, int (*)(DIR*)> folder(::opendir((root + state_folder(host)).c_str()), ::closedir);
  if (!folder) return;
  while (const dirent* entry = ::readdir(folder.get())) {
    if (!keep.contains(entry->d_name)) ::unlinkat(::dirfd(folder.get()), entry->d_name, 0);
  }
}

}  // namespace

const SavedFile* Saved::file(const std::string& path) const {
  const auto found = std::find_if(files.begin(), files.end(), [&](const SavedFile& one) { return one.path == path; });
  return found == files.end() ? nullptr : &*found;
}

std::string state_folder(const std::string& host) { return std::string(kFolder) + "/" + host; }

std::string copy_of_before(const std::string& host, const SavedFile& file) {
  return file.before ? state_folder(host) + "/" + copy_name(file.path, *file.before) : std::string();
}

Result<std::optional<Saved>> load_state(const std::string& root, const std::string& host) {
  const auto text = read_file(root, manifest(host));
  if (!text) return tl::unexpected(text.error());
  if (!*text) return std::nullopt;
  std::istringstream lines(**text);
  Saved saved;
  saved.host = host;
  std::string line;
  std::getline(lines, line);
  bool understood = line == kFirstLine;
  while (understood && std::getline(lines, line)) {
    const auto fields = fields_of(line);
    if (line == "complete") {
      saved.complete = true;
    } else if (fields.size() == 3 && fields[0] == "fact") {
      saved.facts[fields[1]] = fields[2];
    } else if (fields.size() >= 4 && fields[0] == "file") {
      auto file = parse_file(root, host, fields);
      if (!file) return tl::unexpected(file.error());
      saved.files.push_back(std::move(*file));
    } else {
      understood = false;
    }
  }
  if (!understood)
    return fail(ErrorCode::kConfig,
                manifest(host) + " was not written by this version of mtasts; use the one that did");
  return saved;
}

Result<void> save_state(const std::string& root, const std::string& host, const Saved& saved) {
  if (auto made = make_private_folder(root, state_folder(host)); !made) return made;
  std::string text = std::string(kFirstLine) + "\n";
  for (const SavedFile& file : saved.files) {
    for (const std::string* bytes : {file.before ? &*file.before : nullptr, &file.after}) {
      if (bytes == nullptr) continue;
      const std::string path = state_folder(host) + "/" + copy_name(file.path, *bytes);
      if (auto written = write_file(root, path, *bytes, {}, 0600); !written) return written;
    }
    text += "file\t" + file.path + "\t" + (file.before ? copy_name(file.path, *file.before) : "-") + "\t" +
            copy_name(file.path, file.after) + "\t" + file.folder_owner + (file.is_generated ? "\tgenerated" : "") +
            "\n";
  }
  for (const auto& [name, value] : saved.facts)
    text.append("fact\t").append(name).append("\t").append(value).append("\n");
  if (saved.complete) text += "complete\n";
  if (auto written = write_file(root, manifest(host), text, {}, 0600); !written) return written;
  clean(root, host, copy_names(saved));
  return {};
}

Result<void> drop_state(const std::string& root, const std::string& host) {
  if (auto removed = remove_file(root, manifest(host), {}); !removed) return removed;
  clean(root, host, {});
  ::rmdir((root + state_folder(host)).c_str());
  ::rmdir((root + kFolder).c_str());
  return {};
}

Result<SetupLock> SetupLock::take(const std::string& root) {
  const int fd = ::open((root + "/etc").c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return fail(ErrorCode::kConfig, root + "/etc cannot be opened: " + std::strerror(errno));
  SetupLock lock(fd);
  if (::flock(fd, LOCK_EX | LOCK_NB) != 0)
    return fail(ErrorCode::kConfig, "another \"mtasts setup\" is at work; try again when it has ended");
  return lock;
}

SetupLock::~SetupLock() {
  if (fd_ >= 0) ::close(fd_);
}

}  // namespace mtasts::setup
