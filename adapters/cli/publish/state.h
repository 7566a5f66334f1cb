// What is published for each domain, since when and for how long senders may hold it: what only time shows, so it is
// kept in a file. Pure; state_folder.h reads and writes it.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/cache_entry.h"
#include "core/domain.h"
#include "core/policy.h"
#include "core/result.h"

namespace mtasts::publish {

enum class Stage {
  kTesting,       // first with max_age one day, then with the aim's if that is "testing"
  kEnforceShort,  // enforce, at most 7 days
  kEnforce,       // the aim
  kNone,          // leaving
  kGone,          // nothing is published any more
};

std::string_view stage_name(Stage stage);  // "testing", "enforce-short", "enforce", "none", "gone"

struct DomainState {
  Domain name;
  Stage stage = Stage::kTesting;
  bool is_at_aim = false;            // kTesting: promoted to the aim's max_age
  bool is_record_withdrawn = false;  // kNone: the time is over, the record may go
  std::string id{};
  std::string body{};                    // the policy file
  WallTime since{};                      // when this body was first published
  std::optional<WallTime> seen_since{};  // the first run in this stage that saw file and record
  std::chrono::seconds longest{0};       // the longest max_age that was ever served
  WallTime left{};                       // kNone: since when nothing else is served
  std::vector<std::string> retired{};    // patterns that are still published, but no longer in the list
  std::optional<WallTime>
      keep_until{};               // until then a sender may hold a policy from before the last change of patterns
  bool is_other_served = false;   // at the last run such a policy may have been served: `keep_until` starts anew
  std::vector<Domain> aliases{};  // also those that are no longer in the list: senders may still ask for them

  friend bool operator==(const DomainState&, const DomainState&) = default;
};

using State = std::map<std::string, DomainState>;  // by name

inline constexpr std::size_t kMaxStateBytes = 256 * 1024 * 1024;

std::string serialize(const State& state);
// Error kStoreDamaged: it is not what serialize() wrote, for example cut off; kLocalFault: another version wrote it.
Result<State> parse_state(std::string_view bytes);

}  // namespace mtasts::publish
