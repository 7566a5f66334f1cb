#include "adapters/cli/report/report.h"

#include <fcntl.h>

#include <cerrno>
#include <cstring>
#include <limits>
#include <optional>

#include "adapters/cli/report/document.h"
#include "adapters/cli/report/files.h"
#include "adapters/cli/report/render.h"
#include "module/io/read_write.h"

namespace mtasts::report {
namespace {

int complain(const Environment& environment, const std::string& sentence, ReportExit code) {
  environment.err << "mtasts: " << sentence << "\n";
  return code;
}

std::string shown(const std::string& name) {
  return for_terminal(name, std::numeric_limits<std::size_t>::max(), charset_of_locale());
}

class Reading {
 public:
  explicit Reading(const Environment& environment) : environment_(environment) {}

  void take(OpenedFile file) {
    const auto counted = count(file);
    if (counted) return;
    if (file.is_of_folder && counted.error().kind == Refusal::Kind::kOtherSubject) {
      ++passed_over_;
      return;
    }
    if (counted.error().kind == Refusal::Kind::kUnreadable) unreadable_ = true;
    environment_.err << "mtasts: " << shown(file.name) << ": " << shown(counted.error().reason) << "\n";
    collection_.refuse(file.name, counted.error().reason);
  }

  void warn(const Summary& summary) const {
    if (passed_over_ > 0)
      environment_.err << "mtasts: warning: " << passed_over_
                       << (passed_over_ == 1 ? " mail has no report attached and was"
                                             : " mails have no report attached and were")
                       << " passed over\n";
    for (const ConflictingReport& one : summary.conflicts)
      environment_.err << "mtasts: warning: " << shown(one.file) << ": says something else than the report in "
                       << shown(one.other_file) << ", with the same organization (" << shown(one.organization)
                       << ") and id (" << shown(one.id)
                       << "); counted once, with the larger number of each: a correction, or one of them is forged\n";
    if (is_saturated(summary.total))
      environment_.err << "mtasts: warning: the sessions counted are more than 18446744073709551615, which is shown in "
                          "place of larger sums; one of the senders counts wrong\n";
  }

  [[nodiscard]] Summary summary() const { return collection_.summary(); }
  [[nodiscard]] int code(const Summary& summary) const {
    if (unreadable_) return kSomeUnreadable;
    return summary.refused.empty() ? kAllCounted : kSomeRefused;
  }

 private:
  Read<void> count(const OpenedFile& file) {
    if (!file.descriptor) return tl::unexpected(file.descriptor.error());
    const auto bytes = content_of(*file.descriptor, kMaxFile);
    if (!bytes) return tl::unexpected(bytes.error());
    const auto reports = reports_in(*bytes);
    if (!reports) return tl::unexpected(reports.error());
    for (const TlsReport& one : *reports) {
      if (const auto added = collection_.add(one, file.name); !added) return added;
    }
    return {};
  }

  const Environment& environment_;
  Collection collection_;
  bool unreadable_ = false;
  std::size_t passed_over_ = 0;
};

bool wants_page(const Options& options) { return !options.html.empty() && options.html != "-"; }

int no_page(const Options& options, const Environment& environment) {
  return complain(environment, "the page cannot be written to " + shown(options.html) + ": " + std::strerror(errno),
                  kNoPage);
}

void print(const Options& options, const Environment& environment, const Summary& summary) {
  if (options.html == "-") environment.out << to_html(summary);
  if (options.json) environment.out << to_json(summary) << "\n";
  if (options.html != "-" && !options.json)
    environment.out << to_table(summary, {environment.colour, charset_of_locale()});
}

}  // namespace

int report(const Options& options, const Environment& environment) {
  Descriptor page;
  if (wants_page(options)) {
    page = Descriptor(::open(options.html.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | O_NOCTTY, 0644));
    if (!page) return no_page(options, environment);
  }
  auto files = FileOpener::start(options.files);
  if (!files) return complain(environment, files.error().reason, kSomeUnreadable);
  if (const auto confined = environment.give_up_rights(); !confined)
    return complain(environment, confined.error().detail, kNotConfined);
  Reading reading(environment);
  while (auto file = files->next()) reading.take(std::move(*file));
  const Summary summary = reading.summary();
  reading.warn(summary);
  print(options, environment, summary);
  if (page && !replace_content(page.get(), to_html(summary))) return no_page(options, environment);
  return reading.code(summary);
}

}  // namespace mtasts::report
