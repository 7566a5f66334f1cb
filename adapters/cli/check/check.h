// mtasts check: looks at domains, judges what is seen, tells it.
#pragma once

#include <functional>
#include <istream>
#include <optional>
#include <ostream>
#include <span>
#include <string>
#include <vector>

#include "adapters/cli/check/judge.h"
#include "module/io/descriptor.h"

namespace mtasts::check {

// Looks at each of the domains, at most `jobs` of them at a time, and hands over what it saw of it with its place in
// the list, in any order, from one thread. No domain is begun before the one kWindow * `jobs` places ahead of it was
// handed over, so that what waits for its turn to be told is bounded. Error: nothing (more) can be looked at, and why.
using Seen = std::function<void(std::size_t place, Facts facts)>;
using Observe = std::function<Result<void>(std::span<const Domain> domains, std::size_t jobs, const Seen& seen)>;
inline constexpr std::size_t kWindow = 4;
inline constexpr unsigned kMaxJobs = 200;

// As they are said on the command line.
struct Options {
  std::vector<std::string> domains{};
  std::string list{};  // a file, "-" for standard input, or ""
  unsigned jobs = 4;
  bool json = false;
  bool nagios = false;
  std::string require{};  // "enforce" or ""
  unsigned days = 14;
  std::vector<std::string> ignored{};
  std::string html{};   // the file to write, or ""
  std::string state{};  // the folder, or "": the default where it can be written
};

inline constexpr std::string_view kDefaultStateFolder = "/var/lib/mtasts/check";
inline constexpr int kUnknownExit = 3;  // also of whatever goes wrong here

struct Output {
  std::ostream& out;
  std::ostream& err;
  bool colour = false;
  std::size_t width = 80;
  bool shows_progress = false;  // standard error is a terminal
};

// What has to be done before anything is looked at, with the rights of the caller: names and codes are checked, the
// list is read, the page is opened.
struct Task {
  Options options;
  std::vector<Domain> domains;
  Wishes wishes;
  Descriptor html{};
};

// Error: a sentence for the caller, who has said something wrong.
Result<Task> prepare(Options options, std::istream& input);

// The exit code of a monitoring plugin.
int carry_out(const Task& task, const Observe& observe, const Output& output);

// What went wrong before carry_out(), one sentence; a monitoring plugin says it on standard output, too.
int give_up(const Options& options, const Output& output, const std::string& sentence);

}  // namespace mtasts::check
