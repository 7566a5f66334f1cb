#include "adapters/cli/setup/setup.h"

#include <sys/stat.h>
#include <unistd.h>

#include <utility>

#include "adapters/cli/setup/marks.h"

namespace mtasts::setup {
namespace {

using Bytes = std::optional<std::string>;

constexpr const char* kReplace = "replace";  // a fact: --replace was given, and holds for later runs

// A change with the file as it is now and as it would be without us.
struct Pending {
  Change change;
  Bytes current;
  Bytes base;

  [[nodiscard]] bool is_done() const { return current == change.after; }
};

std::string sentence(const std::string& text) { return text.empty() || text.back() == '\n' ? text : text + "\n"; }

int refuse(const Output& output, const std::string& why) {
  output.err << "mtasts: " << sentence(why);
  return kRefused;
}

std::string edited(const std::string& path, const std::string& host, const SavedFile& file) {
  std::string way_out = "; take the lines between \"BEGIN mtasts setup\" and \"END mtasts setup\" away by hand";
  if (const std::string copy = copy_of_before(host, file); !copy.empty())
    way_out += " (the file as it was: " + copy + ")";
  return "lines of \"mtasts setup\" in " + path + " were edited since" + way_out + " and remove " + state_folder(host);
}

// The file without what we put into it. `file` is what is kept of it.
Result<Bytes> taken_back(const std::string& host, const SavedFile& file, const Bytes& current) {
  if (current == file.after) return file.before;
  if (!current || current == file.before || file.is_generated) return current;
  if (file.before && blocks(*current) == blocks(file.after) && !blocks(file.after).empty()) return unmarked(*current);
  if (file.before && blocks(*current).empty() && !blocks(file.after).empty()) return current;  // put right by hand
  if (!file.before)
    return fail(ErrorCode::kConfig, file.path +
                                        " was made by \"mtasts setup\" and edited since; move it away or "
                                        "remove it, then try again");
  return fail(ErrorCode::kConfig, edited(file.path, host, file));
}

Result<std::vector<Pending>> compare(const Look& look, const Plan& plan) {
  std::vector<Pending> all;
  for (const Change& change : plan.changes) {
    auto current = look.current(change.path);
    if (!current) return tl::unexpected(current.error());
    auto base = look.without_us(change.path);
    if (!base) return tl::unexpected(base.error());
    all.push_back({change, std::move(*current), std::move(*base)});
  }
  return all;
}

void show(const Plan& plan, const std::vector<Pending>& all, const Output& output) {
  for (const Pending& one : all) {
    if (one.is_done()) continue;
    if (one.current) {
      output.out << "  change " << one.change.path << "\n" << show_difference(*one.current, one.change.after);
    } else {
      output.out << "  make " << one.change.path << " (" << lines_of(one.change.after).size() << " lines)\n";
    }
  }
  for (const std::string& step : plan.steps) output.out << "  " << step << "\n";
}

class Setup {
 public:
  Setup(const Host& host, const Machine& machine, Wishes wishes, const Output& output)
      : host_(host), machine_(machine), wishes_(std::move(wishes)), output_(output) {}

  int run(Action action) {
    auto saved = load_state(machine_.root(), host_.name);
    if (!saved) return refuse(output_, saved.error().detail);
    saved_ = std::move(*saved);
    wishes_.replace = wishes_.replace || (saved_ && saved_->facts.contains(kReplace));
    return action == Action::kUndo ? undo() : go(action);
  }

 private:
  // Of this machine alone: another root may ask a mtastsd outside of it, and so may who names its socket.
  [[nodiscard]] bool lacks_file() const {
    return machine_.root().empty() && wishes_.socket.empty() && !host_.needs.file.empty() &&
           !machine_.exists(host_.needs.file);
  }

  int go(Action action) {
    if (lacks_file())
      return refuse(output_, host_.needs.file + " is not installed; on Debian: apt install " + host_.needs.package);
    const Look look(machine_, saved_);
    auto plan = host_.plan(look, wishes_);
    if (!plan) return refuse(output_, plan.error().detail);
    for (const std::string& line : plan->found) output_.out << line << "\n";
    if (!plan->refused.empty()) {
      const int code = refuse(output_, plan->refused);
      output_.out << plan->by_hand;
      return code;
    }
    const auto all = compare(look, *plan);
    if (!all) return refuse(output_, all.error().detail);
    for (const std::string& note : plan->notes) output_.out << "Note: " << note << "\n";
    if (is_done(*all)) return nothing_to_do(action, *all);
    output_.out << (action == Action::kApply ? "What is changed:\n" : "What would be changed:\n");
    show(*plan, *all, output_);
    if (action == Action::kApply) return apply(*plan, *all);
    output_.out << "Nothing is changed yet. To do it: mtasts setup " << host_.name
                << (wishes_.replace ? " --replace" : "")
                << (wishes_.socket.empty() ? "" : " --socket " + wishes_.socket)
                << " --apply; and to go back later: mtasts setup " << host_.name << " --undo\n";
    return kPending;
  }

  // Also where nothing is to be changed --apply ends well only if the host is protected: mtastsd may have been stopped.
  [[nodiscard]] int nothing_to_do(Action action, const std::vector<Pending>& all) const {
    for (const Pending& one : all) {
      if (action != Action::kApply) continue;
      if (const auto works = check_in_force(one.change); !works)
        return refuse(output_, "the files are as \"mtasts setup " + host_.name +
                                   " --apply\" makes them and were left alone, but: " + works.error().detail);
    }
    output_.out << "Nothing to do.\n";
    return kDone;
  }

  [[nodiscard]] static Result<void> check_in_force(const Change& change) {
    if (change.try_out) {
      if (auto tried = change.try_out(change.path); !tried) return tried;
    }
    return change.still_works ? change.still_works() : Result<void>();
  }

  [[nodiscard]] bool is_done(const std::vector<Pending>& all) const {
    for (const Pending& one : all) {
      if (!one.is_done()) return false;
    }
    return !saved_ || saved_->complete;
  }

  int apply(const Plan& plan, const std::vector<Pending>& all) {
    const std::optional<Saved> old = saved_;
    Saved fresh{host_.name, {}, saved_ ? saved_->facts : Facts(), false};
    // What was so before the first --apply counts; this one may start what that one did not need.
    fresh.facts.insert(plan.facts.begin(), plan.facts.end());
    if (wishes_.replace) fresh.facts[kReplace] = "yes";
    for (const Pending& one : all) {
      if (one.base == one.change.after) continue;  // was so before us
      fresh.files.push_back(
          {one.change.path, one.base, one.change.after, one.change.folder.owner, one.change.is_generated});
    }
    // Files of an earlier setup that this one has no use for stay on record, and go with --undo.
    for (const SavedFile& file : old ? old->files : std::vector<SavedFile>()) {
      if (fresh.file(file.path) == nullptr) fresh.files.push_back(file);
    }
    if (const auto kept = save_state(machine_.root(), host_.name, fresh); !kept)
      return refuse(output_, kept.error().detail + "; nothing was changed");
    if (const auto made = make_all(all); !made) return take_back(made.error().detail, plan, all, old);
    fresh.complete = true;
    if (const auto kept = save_state(machine_.root(), host_.name, fresh); !kept)
      return take_back(kept.error().detail, plan, all, old);
    output_.out << "Done. To go back: mtasts setup " << host_.name << " --undo\n";
    return kDone;
  }

  [[nodiscard]] Result<void> make_all(const std::vector<Pending>& all) const {
    for (const Pending& one : all) {
      if (!one.is_done()) {
        if (auto tried = try_out(one.change); !tried) return tried;
        if (auto made = write_file(machine_.root(), one.change.path, one.change.after, one.change.folder); !made)
          return made;
      }
      if (!one.change.then) continue;
      if (auto done = one.change.then(); !done) return done;
    }
    return {};
  }

  [[nodiscard]] Result<void> try_out(const Change& change) const {
    if (!change.try_out) return {};
    const auto candidate = write_candidate(machine_.root(), change.path, change.after, change.folder);
    if (!candidate) return tl::unexpected(candidate.error());
    auto tried = change.try_out(*candidate);
    if (auto removed = remove_file(machine_.root(), *candidate, change.folder); !removed) return removed;
    return tried;
  }

  // After a failure: every file and service as it was when this run began, which an earlier --apply may have started.
  [[nodiscard]] int take_back(const std::string& why, const Plan& plan, const std::vector<Pending>& all,
                              const std::optional<Saved>& old) const {
    output_.err << "mtasts: " << sentence(why);
    bool whole = true;
    for (std::size_t i = all.size(); i-- > 0;)
      whole = put(all[i].change.path, all[i].current, all[i].change.folder) && whole;
    if (const auto settled = host_.settle(machine_, plan.facts); !settled) {
      output_.err << "mtasts: " << sentence(settled.error().detail);
    }
    const auto kept = old ? save_state(machine_.root(), host_.name, *old) : drop_state(machine_.root(), host_.name);
    output_.err << "mtasts: "
                << (whole && kept
                        ? "all files are as they were before\n"
                        : "not every file could be put back; their copies are in " + state_folder(host_.name) + "\n");
    return kRefused;
  }

  [[nodiscard]] bool put(const std::string& path, const Bytes& bytes, const Folder& folder) const {
    const auto current = read_file(machine_.root(), path);
    if (current && *current == bytes) return true;
    const auto done =
        bytes ? write_file(machine_.root(), path, *bytes, folder) : remove_file(machine_.root(), path, folder);
    if (!done) output_.err << "mtasts: " << sentence(done.error().detail);
    return done.has_value();
  }

  int undo() {
    if (!saved_) {
      output_.out << "Nothing to do: " << host_.title << " was not set up by \"mtasts setup\".\n";
      return kDone;
    }
    std::vector<Bytes> wanted;
    for (const SavedFile& file : saved_->files) {
      const auto current = read_file(machine_.root(), file.path);
      if (!current) return refuse(output_, current.error().detail);
      auto base = taken_back(host_.name, file, *current);
      if (!base) return refuse(output_, base.error().detail);
      wanted.push_back(std::move(*base));
    }
    for (std::size_t i = saved_->files.size(); i-- > 0;) {
      const SavedFile& file = saved_->files[i];
      if (!put(file.path, wanted[i], {file.folder_owner}))
        return refuse(output_, "nothing further was changed; try again");
      output_.out << (wanted[i] ? "put back " : "removed ") << file.path << "\n";
    }
    if (const auto settled = host_.settle(machine_, saved_->facts); !settled)
      return refuse(output_, settled.error().detail + "; the files were put back: when this is fixed, run it again");
    if (const auto dropped = drop_state(machine_.root(), host_.name); !dropped)
      return refuse(output_, dropped.error().detail);
    output_.out << "Done. " << host_.title << " works as before \"mtasts setup\".\n";
    return kDone;
  }

  const Host& host_;
  const Machine& machine_;
  Wishes wishes_;
  const Output& output_;
  std::optional<Saved> saved_;
};

}  // namespace

Result<Bytes> Look::current(const std::string& path) const { return read_file(machine_.root(), path); }

Result<Bytes> Look::without_us(const std::string& path) const {
  auto now = current(path);
  if (!now) return tl::unexpected(now.error());
  const SavedFile* file = saved_ ? saved_->file(path) : nullptr;
  if (file != nullptr) return taken_back(saved_->host, *file, *now);
  if (*now && !blocks(**now).empty())
    return fail(ErrorCode::kConfig, path +
                                        " has lines of an earlier \"mtasts setup\" of which nothing is on record; take "
                                        "them away by hand");
  return now;
}

// A root directory without a file has the defaults, as a machine without one.
Result<Config> host_config(const Machine& machine, const Wishes& wishes) {
  return load_config(machine.root() + wishes.config_path);
}

std::string default_data_folder() { return MTASTS_DATA_DIR; }

int set_up(const Host& host, Action action, const Machine& machine, const Wishes& wishes, const Output& output) {
  if (action == Action::kPlan) return Setup(host, machine, wishes, output).run(action);
  if (machine.root().empty() && ::geteuid() != 0)
    return refuse(output, "only root can change the configuration of " + host.title +
                              "; without --apply or --undo it is only shown");
  ::umask(022);
  const auto lock = SetupLock::take(machine.root());
  if (!lock) return refuse(output, lock.error().detail);
  return Setup(host, machine, wishes, output).run(action);
}

}  // namespace mtasts::setup
