// One domain as plan_domain() gets it, for tests to change.
#pragma once

#include "adapters/cli/check/record_id.h"
#include "adapters/cli/publish/plan.h"
#include "adapters/cli/publish/policy_file.h"
#include "tests/unit/publish/internet.h"

namespace mtasts::publish {

inline const WallTime kNow{std::chrono::sys_days(std::chrono::year(2026) / 3 / 1)};

inline ListedDomain listed_domain() {
  ListedDomain listed{domain("example.com")};
  listed.mx = {"mx1.example.com"};
  listed.addresses = {*IpAddress::parse("192.0.2.1")};
  return listed;
}

// Published as the state says, `for_time` ago, with everything seen.
inline Situation published(Stage stage, std::chrono::seconds for_time,
                           std::vector<std::string> mx = {"mx1.example.com"}) {
  const Mode mode = stage == Stage::kTesting ? Mode::kTesting : stage == Stage::kNone ? Mode::kNone : Mode::kEnforce;
  const auto age = stage == Stage::kEnforce        ? std::chrono::days(30)
                   : stage == Stage::kEnforceShort ? kShortAge
                                                   : kFirstAge;
  Situation situation;
  situation.listed = listed_domain();
  situation.now = kNow;
  DomainState state{domain("example.com")};
  state.stage = stage;
  state.body = policy_file(mode, age, mx);
  state.since = state.left = kNow - for_time;
  state.seen_since = state.since;
  state.id = check::make_record_id(state.since, state.body);
  state.longest = age;
  situation.file = state.body;
  Seen seen;
  seen.body = state.body;
  seen.txt = {"v=STSv1; id=" + state.id + ";"};
  situation.seen = report_of(domain("example.com"), seen);
  situation.state = std::move(state);
  return situation;
}

}  // namespace mtasts::publish
