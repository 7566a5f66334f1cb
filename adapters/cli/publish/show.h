// What a run of publish says, as text and as JSON. Pure.
#pragma once

#include <ostream>
#include <vector>

#include "adapters/cli/publish/plan.h"

namespace mtasts::publish {

// One domain after the run: its plan, and what --verify found.
struct Shown {
  DomainPlan plan;
  Verdict verdict{};
};

struct Done {
  bool is_applied = false;
  bool is_verified = false;
};

// `out`: --out, or "".
void show_text(std::ostream& stream, const std::vector<Shown>& domains, Done done, const std::string& out);
void show_json(std::ostream& stream, const std::vector<Shown>& domains, Done done);
// Refusals and the like, a sentence each.
void show_trouble(std::ostream& stream, const std::vector<Shown>& domains);

}  // namespace mtasts::publish
