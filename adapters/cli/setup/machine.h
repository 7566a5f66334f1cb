// The machine that is set up: files below a root directory, and the programs that are installed there.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "core/result.h"

namespace mtasts::setup {

struct ProgramOutput {
  int status = 0;  // exit code, or 128 + the signal that ended it
  std::string out;
  std::string err;

  [[nodiscard]] bool ok() const { return status == 0; }
};

// Runs argv[0], an absolute path, with `input` on its standard input and a clean environment; never a shell. Error
// kConfig when it cannot be started or takes longer than a minute.
Result<ProgramOutput> run_program(const std::vector<std::string>& argv, const std::string& input);

// Paths are those on the machine itself: "/etc/postfix/main.cf", whatever the root directory is.
class Machine {
 public:
  using Run = std::function<Result<ProgramOutput>(const std::vector<std::string>&, const std::string&)>;

  // `root`: "" for this machine, else a directory that is entered with chroot(8) to run its programs.
  explicit Machine(std::string root, Run run = run_program) : root_(std::move(root)), run_(std::move(run)) {}

  [[nodiscard]] const std::string& root() const { return root_; }
  [[nodiscard]] bool exists(const std::string& path) const;
  [[nodiscard]] bool systemd_runs() const { return exists("/run/systemd/system"); }

  // Where the program is, or "".
  [[nodiscard]] std::string find_program(const std::string& name) const;

  // A program by its name or path, and its arguments. Error when it is missing.
  [[nodiscard]] Result<ProgramOutput> run(std::vector<std::string> argv, const std::string& input = {}) const;
  // The same as another user, with the rights of this one group besides its own; the caller is root.
  [[nodiscard]] Result<ProgramOutput> run_as(const std::string& user, const std::string& group,
                                             std::vector<std::string> argv, const std::string& input = {}) const;
  // As run(), where any exit code but 0 is an error that quotes what the program said.
  [[nodiscard]] Result<std::string> run_ok(const std::vector<std::string>& argv, const std::string& input = {}) const;
  // A program of this machine, not of the root directory's.
  [[nodiscard]] Result<ProgramOutput> run_outside(const std::vector<std::string>& argv) const { return run_(argv, {}); }

 private:
  std::string root_;
  Run run_;
};

// What a program said, on one line, for a message.
std::string said(const ProgramOutput& output);

}  // namespace mtasts::setup
