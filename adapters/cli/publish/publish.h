// `mtasts publish`: shows what has to be done for each domain of a list, and with --apply does what it can.
#pragma once

#include <functional>
#include <ostream>
#include <string>
#include <vector>

#include "adapters/cli/check/report.h"
#include "core/cache_entry.h"
#include "core/result.h"
#include "module/io/exit_status.h"

namespace mtasts::publish {

struct Options {
  std::string list;
  std::string root;
  std::string state;
  std::string out;           // "": no zone lines, scripts and server blocks
  std::string certificates;  // "": as certbot has them
  std::string promote;       // a domain
  std::string leave;         // a domain
  bool verify = false;
  bool apply = false;
  bool force = false;
  bool adopt = false;
  bool json = false;
};

// Scripts rely on them.
enum PublishExit : int {
  kDone = 0,     // nothing to do, or all done that this program can do
  kPending = 1,  // a plan: files or records have to change
  kRefused = 2,  // a gate; --verify: critical findings. Why, and the way out, is on standard error
  kBadUsage = kExitUsage,
  kBadList = 65,
  kNoState = 74,   // state, web tree or --out: cannot be read or written
  kTryAgain = 75,  // state in use; DNS or a policy host could not be asked
};

// An audit of each of the domains, in their order. An error: it could not be asked.
using Observe = std::function<std::vector<Result<check::Report>>(const std::vector<Domain>&)>;

struct Output {
  std::ostream& out;
  std::ostream& err;
};

int publish(const Options& options, const Observe& observe, WallTime now, const Output& output);

}  // namespace mtasts::publish
