#include "adapters/cli/check/check.h"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <map>

#include "adapters/cli/check/codes.h"
#include "adapters/cli/check/domains.h"
#include "adapters/cli/check/json.h"
#include "adapters/cli/check/monitoring.h"
#include "adapters/cli/check/page.h"
#include "adapters/cli/check/text.h"
#include "adapters/cli/progress.h"
#include "module/io/read_write.h"

namespace mtasts::check {
namespace {

constexpr std::size_t kMaxShown = 4096;

// The folder with what earlier checks saw, if there is one.
class Memory {
 public:
  Memory(std::optional<SavedFolder> folder, std::ostream& err) : folder_(std::move(folder)), err_(err) {}

  Report judged(Facts facts, const Wishes& wishes) {
    std::optional<Saved> before;
    const bool may_write = folder_ && read(facts.domain, before);
    const std::optional<Saved> after = saved_after(before, facts);
    if (may_write && after && after != before) complain(folder_->put(*after));
    return judge(std::move(facts), before ? &*before : nullptr, wishes);
  }

 private:
  // False: what is there must not be replaced.
  bool read(const Domain& domain, std::optional<Saved>& before) {
    auto saved = folder_->get(domain);
    if (saved) {
      before = std::move(*saved);
      return true;
    }
    complain(fail(saved.error().code, saved.error().detail));
    return saved.error().code == ErrorCode::kStoreDamaged;
  }

  void complain(const Result<void>& result) {
    if (!result) err_ << "mtasts: " << result.error().detail << "\n";
  }

  std::optional<SavedFolder> folder_;
  std::ostream& err_;
};

Result<std::optional<SavedFolder>> state_folder(const std::string& asked_for) {
  const bool is_default = asked_for.empty();
  auto folder = SavedFolder::open(is_default ? std::string(kDefaultStateFolder) : asked_for);
  if (folder) return std::move(*folder);
  if (is_default) return std::nullopt;
  return fail(folder.error().code, folder.error().detail);
}

// Tells reports in the order of the list, whatever order they come in.
class Teller {
 public:
  Teller(const Task& task, const Output& output)
      : task_(task),
        output_(output),
        terminal_{output.colour, output.width},
        is_many_(task.domains.size() > 1),
        progress_(output.err, output.shows_progress, output.width) {}

  void take(std::size_t place, Report report) {
    ++seen_;
    pending_.emplace(place, std::move(report));
    while (!pending_.empty() && pending_.begin()->first == told_) {
      tell(pending_.begin()->second);
      pending_.erase(pending_.begin());
      ++told_;
    }
    show_progress();
  }

  void show_progress() {
    progress_.show(std::to_string(seen_) + " of " + std::to_string(task_.domains.size()) + " checked");
  }

  // Returns the worst of all; what is missing is not "ok".
  Severity finish() {
    progress_.clear();
    if (is_text() && is_many_) output_.out << summary_;
    return is_complete() ? worst_ : std::max(worst_, Severity::kUnknown);
  }
  [[nodiscard]] bool is_complete() const { return told_ == task_.domains.size(); }
  [[nodiscard]] std::string page() const { return page_.finish(); }
  [[nodiscard]] std::string monitoring_line() const { return monitoring_.line(); }

 private:
  [[nodiscard]] bool is_text() const { return !task_.options.json && !task_.options.nagios; }

  void tell(const Report& report) {
    worst_ = std::max(worst_, worst(report));
    progress_.clear();
    if (task_.options.json) output_.out << to_json(report) << "\n" << std::flush;
    if (task_.options.nagios) monitoring_.add(report);
    if (is_text()) {
      output_.out << to_text(report, terminal_) << (is_many_ ? "\n" : "") << std::flush;
      if (is_many_) summary_ += summary_line(report, terminal_);
    }
    if (!task_.options.html.empty()) page_.add(report);
  }

  const Task& task_;
  const Output& output_;
  Terminal terminal_;
  bool is_many_;
  cli::Progress progress_;
  std::map<std::size_t, Report> pending_;
  std::size_t seen_ = 0;
  std::size_t told_ = 0;
  Severity worst_ = Severity::kInfo;
  Monitoring monitoring_;
  std::string summary_;
  Page page_;
};

Result<void> write_page(const Task& task, const std::string& page) {
  if (task.options.html.empty()) return {};
  if (replace_content(task.html.get(), page)) return {};
  return fail(ErrorCode::kStoreUnavailable,
              escaped(task.options.html, kMaxShown) + " cannot be written: " + std::strerror(errno));
}

Result<Descriptor> open_page(const std::string& path) {
  Descriptor file(::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
  if (file) return file;
  return fail(ErrorCode::kConfig, escaped(path, kMaxShown) + " cannot be written: " + std::strerror(errno));
}

Result<Wishes> wishes_of(const Options& options) {
  Wishes wishes;
  wishes.require_enforce = options.require == "enforce";
  wishes.expiring_under = std::chrono::days(options.days);
  for (const std::string& code : options.ignored) {
    if (find_code(code) == nullptr)
      return fail(ErrorCode::kConfig, "--ignore: there is no code \"" + escaped(code) + "\"; mtasts(1) lists them");
    wishes.ignored.insert(code);
  }
  return wishes;
}

Result<std::vector<Domain>> domains_of(const Options& options, std::istream& input) {
  std::vector<Domain> domains;
  for (const std::string& text : options.domains) {
    auto domain = domain_argument(text);
    if (!domain) return tl::unexpected(domain.error());
    domains.push_back(std::move(*domain));
  }
  if (!options.list.empty()) {
    auto listed = read_domains_file(options.list, input);
    if (!listed) return listed;
    domains.insert(domains.end(), std::make_move_iterator(listed->begin()), std::make_move_iterator(listed->end()));
  }
  if (domains.empty()) return fail(ErrorCode::kConfig, "name a domain, or a list with --domains");
  return domains;
}

}  // namespace

Result<Task> prepare(Options options, std::istream& input) {
  auto wishes = wishes_of(options);
  if (!wishes) return tl::unexpected(wishes.error());
  auto domains = domains_of(options, input);
  if (!domains) return tl::unexpected(domains.error());
  Task task{std::move(options), std::move(*domains), std::move(*wishes)};
  if (task.options.html.empty()) return task;
  auto page = open_page(task.options.html);
  if (!page) return tl::unexpected(page.error());
  task.html = std::move(*page);
  return task;
}

int carry_out(const Task& task, const Observe& observe, const Output& output) {
  auto folder = state_folder(task.options.state);
  if (!folder) return give_up(task.options, output, "--state: " + folder.error().detail);
  Memory memory(std::move(*folder), output.err);
  Teller teller(task, output);
  teller.show_progress();
  const Result<void> observed = observe(task.domains, task.options.jobs, [&](std::size_t place, Facts facts) {
    teller.take(place, memory.judged(std::move(facts), task.wishes));
  });
  const Severity severity = teller.finish();
  const Result<void> done = observed ? write_page(task, teller.page()) : observed;
  if (!done) {
    (void)give_up(task.options, output, done.error().detail);
    return exit_code(std::max(severity, Severity::kUnknown));
  }
  if (task.options.nagios) output.out << teller.monitoring_line() << "\n";
  return exit_code(severity);
}

int give_up(const Options& options, const Output& output, const std::string& sentence) {
  output.err << "mtasts: " << sentence << "\n";
  if (options.nagios) output.out << "MTASTS UNKNOWN - " << sentence << " | findings=U certificate_days=U\n";
  return kUnknownExit;
}

}  // namespace mtasts::check
