#include "adapters/cli/publish/publish.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <climits>
#include <filesystem>

#include "adapters/cli/publish/outputs.h"
#include "adapters/cli/publish/show.h"
#include "adapters/cli/publish/state_folder.h"
#include "adapters/cli/publish/tree.h"

namespace mtasts::publish {
namespace {

using Reports = std::vector<Result<check::Report>>;

std::string absolute(std::string path) {
  while (path.size() > 1 && path.ends_with('/')) path.pop_back();
  std::array<char, PATH_MAX> here;
  if (path.empty() || path.starts_with('/') || ::getcwd(here.data(), here.size()) == nullptr) return path;
  return std::string(here.data()) + "/" + path;
}

bool is_within(const std::string& path, const std::string& folder) {
  const auto normal = [](const std::string& text) { return std::filesystem::path(text + "/").lexically_normal(); };
  return normal(path).string().starts_with(normal(folder).string());
}

class Run {
 public:
  Run(const Options& options, const Observe& observe, WallTime now, const Output& output)
      : options_(options), observe_(observe), now_(now), output_(output), tree_(absolute(options.root)) {}

  int run();

 private:
  int complain(const Error& error) const;
  int complain(const std::string& sentence, PublishExit code) const;
  [[nodiscard]] Request request() const;

  // The steps of run(); an exit code where it ends there.
  std::optional<int> prepare();
  std::optional<int> choose();
  std::optional<int> look();
  std::optional<int> plan();
  std::optional<int> apply();
  std::optional<int> look_again();
  std::optional<int> write_outputs();
  std::optional<int> mark_missing_blocks();
  int finish() const;

  Result<Situation> situation(const std::optional<ListedDomain>& listed, const Domain& name);
  Result<void> write(const DomainPlan& plan);
  [[nodiscard]] State next_state() const;
  [[nodiscard]] const ListedDomain* find_listed(const std::string& name) const;
  [[nodiscard]] bool names_it(const Domain& name) const;
  [[nodiscard]] std::string not_listed(const Domain& name) const;
  [[nodiscard]] std::vector<Site> sites(const State& state) const;

  const Options& options_;
  const Observe& observe_;
  WallTime now_;
  const Output& output_;
  Tree tree_;
  std::vector<ListedDomain> list_;
  std::optional<StateFolder> folder_;
  State state_;
  std::vector<Situation> situations_;
  std::vector<Shown> shown_;
};

int Run::complain(const std::string& sentence, PublishExit code) const {
  output_.err << "mtasts: " << sentence << "\n";
  return code;
}

int Run::complain(const Error& error) const {
  if (error.code == ErrorCode::kNotTried) return complain(error.detail, kTryAgain);
  return complain(error.detail, error.code == ErrorCode::kConfig ? kRefused : kNoState);
}

Request Run::request() const {
  Request request;
  if (!options_.promote.empty()) request.kind = Request::Kind::kPromote;
  if (!options_.leave.empty()) request.kind = Request::Kind::kLeave;
  request.force = options_.force;
  request.adopt = options_.adopt;
  request.is_apply = options_.apply;
  return request;
}

const ListedDomain* Run::find_listed(const std::string& name) const {
  const auto found = std::ranges::find_if(list_, [&](const auto& domain) { return domain.name.text() == name; });
  return found == list_.end() ? nullptr : &*found;
}

// As a domain or as an alias of one.
bool Run::names_it(const Domain& name) const {
  return std::ranges::any_of(list_, [&](const auto& domain) {
    return domain.name == name || std::ranges::find(domain.aliases, name) != domain.aliases.end();
  });
}

std::optional<int> Run::prepare() {
  if (options_.force && options_.promote.empty() && options_.leave.empty())
    return complain("--force goes with --promote or --leave: nothing else waits", kBadUsage);
  if (is_within(absolute(options_.root), absolute(options_.state)))
    return complain("--root must not be within --state, which nobody else can read", kBadUsage);
  auto list = load_list(options_.list);
  if (!list) return complain(list.error().detail, kBadList);
  list_ = std::move(*list);
  if (const auto plain = check_paths({tree_.root(), absolute(options_.certificates)}); !options_.out.empty() && !plain)
    return complain(plain.error().detail, kBadUsage);
  if (const auto safe = tree_.check(); !safe) return complain(safe.error());
  if (const auto safe = check_output(options_.out); !safe) return complain(safe.error());
  auto folder = StateFolder::open(options_.state, options_.apply ? StateFolder::Use::kWrite : StateFolder::Use::kRead);
  if (!folder) return complain(folder.error());
  folder_ = std::move(*folder);
  auto state = folder_->load();
  if (!state) return complain(state.error());
  state_ = std::move(*state);
  return std::nullopt;
}

Result<Situation> Run::situation(const std::optional<ListedDomain>& listed, const Domain& name) {
  Situation situation;
  situation.listed = listed;
  if (const auto known = state_.find(name.text()); known != state_.end()) situation.state = known->second;
  auto file = tree_.read(name);
  if (!file) return tl::unexpected(file.error());
  situation.file = std::move(*file);
  situation.request = request();
  situation.now = now_;
  return situation;
}

std::string Run::not_listed(const Domain& name) const {
  const auto owner = std::ranges::find_if(
      list_, [&](const auto& domain) { return std::ranges::find(domain.aliases, name) != domain.aliases.end(); });
  if (owner == list_.end()) return "the list " + options_.list + " has no [[domain]] " + name.text();
  return name.text() + " is an alias and goes with its domain: name " + owner->name.text();
}

// The domains that this run is about.
std::optional<int> Run::choose() {
  const std::string words = options_.promote + options_.leave;
  std::vector<std::pair<Domain, std::optional<ListedDomain>>> chosen;
  if (words.empty()) {
    for (const auto& listed : list_) chosen.emplace_back(listed.name, listed);
    for (const auto& [name, known] : state_)
      if (find_listed(name) == nullptr && known.stage != Stage::kGone) chosen.emplace_back(known.name, std::nullopt);
  } else {
    const auto name = Domain::parse(words);
    if (!name) return complain(escaped(words) + " is no domain: " + name.error().detail, kBadUsage);
    const auto known = state_.find(name->text());
    if (const ListedDomain* listed = find_listed(name->text())) {
      chosen.emplace_back(*name, *listed);
    } else if (!options_.leave.empty() && known != state_.end()) {
      ListedDomain listed{*name};
      listed.mode = Mode::kNone;
      listed.aliases = known->second.aliases;
      chosen.emplace_back(*name, listed);
    } else {
      return complain(not_listed(*name), kBadUsage);
    }
  }
  for (const auto& [name, listed] : chosen) {
    auto added = situation(listed, name);
    if (!added) return complain(added.error());
    situations_.push_back(std::move(*added));
  }
  return std::nullopt;
}

// Audits them all at once.
std::optional<int> Run::look() {
  std::vector<Domain> names;
  for (const Situation& situation : situations_) {
    if (!situation.listed) continue;
    names.push_back(situation.listed->name);
    names.insert(names.end(), situation.listed->aliases.begin(), situation.listed->aliases.end());
  }
  Reports reports = observe_(names);
  auto next = reports.begin();
  for (Situation& situation : situations_) {
    if (!situation.listed) continue;
    situation.seen = std::move(*next++);
    situation.aliases.clear();
    for (const Domain& alias : situation.listed->aliases) situation.aliases.emplace_back(alias, std::move(*next++));
  }
  return std::nullopt;
}

std::optional<int> Run::plan() {
  shown_.clear();
  for (const Situation& situation : situations_) {
    shown_.push_back({plan_domain(situation)});
    if (options_.verify) shown_.back().verdict = verify(situation);
  }
  return std::nullopt;
}

State Run::next_state() const {
  State next = state_;
  for (const Shown& shown : shown_)
    if (shown.plan.next) next.insert_or_assign(shown.plan.name, *shown.plan.next);
  std::erase_if(next, [&](const auto& entry) {
    return entry.second.stage == Stage::kGone && find_listed(entry.first) == nullptr;
  });
  return next;
}

Result<void> Run::write(const DomainPlan& plan) {
  if (plan.is_file_removed) return tree_.remove(plan.next->name);
  return plan.is_file_written ? tree_.write(plan.next->name, plan.next->body) : Result<void>();
}

// The state first: a run that is cut off after it is finished by the next one, which finds other files than it says.
std::optional<int> Run::apply() {
  State next = next_state();
  if (next != state_) {
    if (const auto saved = folder_->save(next); !saved) return complain(saved.error());
    state_ = std::move(next);
  }
  for (const Shown& shown : shown_)
    if (const auto written = write(shown.plan); !written) return complain(written.error());
  return std::nullopt;
}

// What was written is verified at once where the web server serves it already, and the record may follow.
std::optional<int> Run::look_again() {
  std::vector<Shown> first = std::move(shown_);
  const auto is_same = [](const Shown& shown) { return !shown.plan.is_file_written || !shown.plan.refused.empty(); };
  std::vector<Situation> changed;
  for (std::size_t i = 0; i < first.size(); ++i) {
    if (is_same(first[i])) continue;
    auto again = situation(situations_[i].listed, first[i].plan.next->name);
    if (!again) return complain(again.error());
    again->request = {.is_apply = true};
    changed.push_back(std::move(*again));
  }
  shown_.clear();
  if (!changed.empty()) {
    situations_ = std::move(changed);
    look();
    plan();
    if (const auto ended = apply()) return ended;
  }
  auto second = std::move(shown_);
  auto next = second.begin();
  for (Shown& shown : first) {
    if (is_same(shown)) continue;
    Shown& later = *next++;
    std::vector<Action> actions;
    std::ranges::copy_if(shown.plan.actions, std::back_inserter(actions),
                         [](const auto& action) { return action.kind == Action::Kind::kFile; });
    actions.insert(actions.end(), later.plan.actions.begin(), later.plan.actions.end());
    later.plan.actions = std::move(actions);
    later.plan.risks = shown.plan.risks;
    shown = std::move(later);
  }
  shown_ = std::move(first);
  return std::nullopt;
}

std::vector<Site> Run::sites(const State& state) const {
  std::vector<Site> all;
  const auto add = [&](Site site, const DomainState* known) {
    for (const Domain& alias : known != nullptr ? known->aliases : std::vector<Domain>{})
      if (!names_it(alias)) site.aliases.push_back(alias);
    all.push_back(std::move(site));
  };
  for (const auto& listed : list_) {
    const auto known = state.find(listed.name.text());
    if (known != state.end() && known->second.stage == Stage::kGone) continue;
    if (known == state.end() && listed.mode == Mode::kNone) continue;
    add({listed.name, listed.aliases}, known == state.end() ? nullptr : &known->second);
  }
  for (const auto& [name, known] : state)
    if (find_listed(name) == nullptr && known.stage != Stage::kGone && !names_it(known.name)) add({known.name}, &known);
  return all;
}

std::optional<int> Run::write_outputs() {
  if (options_.out.empty()) return std::nullopt;
  for (const Shown& shown : shown_) {
    const auto written = shown.plan.zones ? write_zones(options_.out, *shown.plan.zones) : Result<void>();
    if (!written) return complain(written.error());
  }
  const auto written =
      write_snippets(options_.out, snippets(sites(state_), {tree_.root(), absolute(options_.certificates)}));
  return written ? std::nullopt : std::optional(complain(written.error()));
}

std::optional<int> Run::mark_missing_blocks() {
  if (options_.out.empty()) return std::nullopt;
  const auto wanted = sites(next_state());
  const auto missing = missing_blocks(options_.out, snippets(wanted, {tree_.root(), absolute(options_.certificates)}));
  if (!missing) return complain(missing.error());
  for (const std::size_t place : *missing) {
    const auto shown =
        std::ranges::find_if(shown_, [&](const auto& one) { return one.plan.name == wanted[place].domain.text(); });
    if (shown != shown_.end())
      shown->plan.actions.push_back(
          {Action::Kind::kFile, "write its server block into " + options_.out +
                                    "/nginx.conf, Caddyfile and apache.conf; reload your web server"});
  }
  return std::nullopt;
}

int Run::finish() const {
  const Done done{.is_applied = options_.apply, .is_verified = options_.verify};
  if (options_.json)
    show_json(output_.out, shown_, done);
  else
    show_text(output_.out, shown_, done, options_.out);
  show_trouble(output_.err, shown_);
  const auto any = [&](auto is_so) { return std::ranges::any_of(shown_, is_so); };
  if (any([](const Shown& one) { return !one.plan.refused.empty() || !one.verdict.critical.empty(); })) return kRefused;
  if (any([](const Shown& one) { return !one.plan.unasked.empty() || !one.verdict.unknown.empty(); })) return kTryAgain;
  const bool is_plan = !options_.apply && !options_.verify;
  if (is_plan && any([](const Shown& one) { return !one.plan.actions.empty(); })) return kPending;
  return kDone;
}

int Run::run() {
  for (const auto step : {&Run::prepare, &Run::choose, &Run::look, &Run::plan})
    if (const auto ended = (this->*step)()) return *ended;
  if (const auto ended = mark_missing_blocks()) return *ended;
  if (!options_.apply) return finish();
  for (const auto step : {&Run::apply, &Run::look_again, &Run::write_outputs})
    if (const auto ended = (this->*step)()) return *ended;
  return finish();
}

}  // namespace

int publish(const Options& options, const Observe& observe, WallTime now, const Output& output) {
  return Run(options, observe, now, output).run();
}

}  // namespace mtasts::publish
