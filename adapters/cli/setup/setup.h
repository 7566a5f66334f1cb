// `mtasts setup HOST`: looks, shows what it would change, changes it keeping what was there, checks, goes back.
#pragma once

#include <ostream>

#include "adapters/cli/setup/plan.h"

namespace mtasts::setup {

enum class Action { kPlan, kApply, kUndo };

// As `mtasts publish`: scripts rely on them.
enum SetupExit : int {
  kDone = 0,     // nothing to do, or done
  kPending = 1,  // a plan: something would change
  kRefused = 2,  // nothing was changed, or everything was taken back; the reason and the way out are on `err`
};

struct Output {
  std::ostream& out;
  std::ostream& err;
};

int set_up(const Host& host, Action action, const Machine& machine, const Wishes& wishes, const Output& output);

// "+ line" and "- line", with the numbers of the lines; long runs of new lines are shortened.
std::string show_difference(const std::string& before, const std::string& after);

}  // namespace mtasts::setup
