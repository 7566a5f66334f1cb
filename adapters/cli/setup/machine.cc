#include "adapters/cli/setup/machine.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "core/joined.h"

namespace mtasts::setup {
namespace {

constexpr std::array<const char*, 6> kFolders = {"/usr/sbin", "/usr/bin",        "/sbin",
                                                 "/bin",      "/usr/local/sbin", "/usr/local/bin"};
constexpr const char* kChroot = "/usr/sbin/chroot";

}  // namespace

bool Machine::exists(const std::string& path) const {
  struct stat found {};
  return ::lstat((root_ + path).c_str(), &found) == 0;
}

std::string Machine::find_program(const std::string& name) const {
  if (name.starts_with('/')) return ::access((root_ + name).c_str(), X_OK) == 0 ? name : std::string();
  for (const char* folder : kFolders) {
    std::string path = std::string(folder) + "/" + name;
    if (::access((root_ + path).c_str(), X_OK) == 0) return path;
  }
  return {};
}

Result<ProgramOutput> Machine::run(std::vector<std::string> argv, const std::string& input) const {
  const std::string program = find_program(argv.front());
  if (program.empty()) return fail(ErrorCode::kConfig, "the program " + argv.front() + " is not installed");
  argv.front() = program;
  if (!root_.empty()) argv.insert(argv.begin(), {kChroot, root_});
  return run_(argv, input);
}

Result<ProgramOutput> Machine::run_as(const std::string& user, const std::string& group, std::vector<std::string> argv,
                                      const std::string& input) const {
  const std::string program = find_program(argv.front());
  if (program.empty()) return fail(ErrorCode::kConfig, "the program " + argv.front() + " is not installed");
  argv.front() = program;
  argv.insert(argv.begin(), {kChroot, "--userspec=" + user + ":", "--groups=" + group, root_.empty() ? "/" : root_});
  return run_(argv, input);
}

Result<std::string> Machine::run_ok(const std::vector<std::string>& argv, const std::string& input) const {
  auto output = run(argv, input);
  if (!output) return tl::unexpected(output.error());
  if (output->ok()) return std::move(output->out);
  return fail(ErrorCode::kConfig, "\"" + joined(argv, " ") + "\" failed: " + said(*output));
}

std::string said(const ProgramOutput& output) {
  std::string text = output.err.empty() ? output.out : output.err;
  while (!text.empty() && text.back() == '\n') text.pop_back();
  std::replace(text.begin(), text.end(), '\n', ';');
  return text.empty() ? "exit code " + std::to_string(output.status) : escaped(text, 1000);
}

}  // namespace mtasts::setup
