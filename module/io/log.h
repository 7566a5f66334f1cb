// One line an event, `key=value`, peer-supplied bytes escaped by whoever made the line. Syslog (LOG_MAIL) inside an
// MTA, stderr in our own programs.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "core/result.h"
#include "module/io/log_line.h"

namespace mtasts {

enum class LogLevel { kError, kWarning, kInfo, kDebug };
enum class LogTarget { kSyslog, kStderr };

std::string_view log_level_name(LogLevel level);

class Log {
 public:
  virtual ~Log() = default;
  // Lines above the threshold are dropped. Never fails, never blocks for long.
  void write(LogLevel level, const std::string& line);
  void write(LogLevel level, const LogLine& line) { write(level, line.line()); }
  void set_threshold(LogLevel threshold) { threshold_ = threshold; }
  // Is given every line but those of debugging, whatever the threshold is. It must not write to this log.
  using Listener = std::function<void(const std::string& line)>;
  void set_listener(Listener listener) { listener_ = std::move(listener); }
  // For lines that cost something to make.
  [[nodiscard]] bool writes(LogLevel level) const { return level <= threshold_; }

 private:
  virtual void emit(LogLevel level, const std::string& line) = 0;
  LogLevel threshold_ = LogLevel::kInfo;
  Listener listener_;
};

// syslog(3) without openlog(3): the host process keeps its own identity and options.
std::unique_ptr<Log> make_syslog_log();
std::unique_ptr<Log> make_stderr_log();
std::unique_ptr<Log> make_log(LogTarget target);

}  // namespace mtasts
