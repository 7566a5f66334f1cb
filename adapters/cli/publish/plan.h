// What has to be done for one domain. Pure: the list, the state, what was seen and the time decide.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "adapters/cli/check/report.h"
#include "adapters/cli/publish/list.h"
#include "adapters/cli/publish/records.h"
#include "adapters/cli/publish/state.h"

namespace mtasts::publish {

inline constexpr std::chrono::seconds kFirstAge = std::chrono::days(1);
inline constexpr std::chrono::seconds kShortAge = std::chrono::days(7);
inline constexpr std::chrono::seconds kTestingTime = std::chrono::days(14);
inline constexpr std::chrono::seconds kShortTime = std::chrono::days(7);

struct Request {
  enum class Kind { kGoOn, kPromote, kLeave };
  Kind kind = Kind::kGoOn;
  bool force = false;     // time need not be over
  bool adopt = false;     // a policy in the tree that the state does not know is taken over
  bool is_apply = false;  // it will be done
};

struct Situation {
  std::optional<ListedDomain> listed{};  // nullopt: gone from the list
  std::optional<DomainState> state{};
  std::optional<std::string> file{};  // what the web tree has
  std::optional<Result<check::Report>> seen{};
  std::vector<std::pair<Domain, Result<check::Report>>> aliases{};
  Request request{};
  WallTime now{};
};

struct Action {
  enum class Kind {
    kFile,    // --apply does it
    kRecord,  // nsupdate or a person does it
    kPerson,  // only a person can
  };
  Kind kind;
  std::string text;

  friend bool operator==(const Action&, const Action&) = default;
};

struct DomainPlan {
  std::string name;
  std::optional<DomainState> next{};  // what the state shall say; nullopt: nothing
  bool is_file_written = false;       // with next->body
  bool is_file_removed = false;
  std::vector<Action> actions{};                 // in their order
  std::vector<std::string> notes{};              // what there is to know
  std::vector<std::string> risks{};              // what --force leaves unheeded
  std::optional<WallTime> waits_until{};         // when the next step is possible
  std::string refused{};                         // by a gate: the reason and the way out
  std::string unasked{};                         // a policy host or DNS could not be asked
  std::optional<std::vector<ZonePlan>> zones{};  // nullopt: not known now
};

DomainPlan plan_domain(const Situation& situation);

// What --verify finds wrong, one sentence each; `unknown`: what could not be looked at.
struct Verdict {
  std::vector<std::string> critical{};
  std::vector<std::string> unknown{};
};
Verdict verify(const Situation& situation);

}  // namespace mtasts::publish
