#include "module/io/log.h"

#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

#include <array>
#include <cstdlib>

namespace mtasts {
namespace {

constexpr std::array<int, 4> kPriorities{LOG_ERR, LOG_WARNING, LOG_INFO, LOG_DEBUG};
constexpr std::array<std::string_view, 4> kNames{"error", "warning", "info", "debug"};

class SyslogLog final : public Log {
  void emit(LogLevel level, const std::string& line) override {
    // No pid and no identity of ours: openlog(3) would change the host's.
    syslog(LOG_MAIL | kPriorities[static_cast<std::size_t>(level)], "mtasts: %s", line.c_str());
  }
};

// systemd says which file the journal reads; a line there may begin with its priority (sd-daemon(3)).
bool stderr_is_the_journal() {
  const char* stream = std::getenv("JOURNAL_STREAM");
  struct stat status {};
  return stream != nullptr && ::fstat(STDERR_FILENO, &status) == 0 &&
         std::to_string(status.st_dev) + ":" + std::to_string(status.st_ino) == stream;
}

class StderrLog final : public Log {
  void emit(LogLevel level, const std::string& line) override {
    const std::string priority =
        to_journal_ ? "<" + std::to_string(kPriorities[static_cast<std::size_t>(level)]) + ">" : std::string();
    const std::string text = priority + "mtasts: " + std::string(log_level_name(level)) + ": " + line + "\n";
    [[maybe_unused]] const auto written = ::write(STDERR_FILENO, text.data(), text.size());  // nobody to tell
  }
  bool to_journal_ = stderr_is_the_journal();
};

}  // namespace

std::string_view log_level_name(LogLevel level) { return kNames[static_cast<std::size_t>(level)]; }

void Log::write(LogLevel level, const std::string& line) {
  if (listener_ && level <= LogLevel::kInfo) listener_(line);
  if (writes(level)) emit(level, line);
}

std::unique_ptr<Log> make_syslog_log() { return std::make_unique<SyslogLog>(); }
std::unique_ptr<Log> make_stderr_log() { return std::make_unique<StderrLog>(); }
std::unique_ptr<Log> make_log(LogTarget target) {
  return target == LogTarget::kSyslog ? make_syslog_log() : make_stderr_log();
}

}  // namespace mtasts
