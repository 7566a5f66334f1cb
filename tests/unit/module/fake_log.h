// A log that keeps its lines, each after its level: "warning event=...".
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "module/io/log.h"

namespace mtasts {

struct Lines {
  std::vector<std::string> lines;
};

// With lines of its own, or with some that outlive it.
class FakeLog : public Log {
 public:
  explicit FakeLog(std::shared_ptr<Lines> kept = std::make_shared<Lines>())
      : lines(kept->lines), kept_(std::move(kept)) {}

  std::vector<std::string>& lines;

 private:
  void emit(LogLevel level, const std::string& line) override {
    lines.push_back(std::string(log_level_name(level)) + " " + line);
  }
  std::shared_ptr<Lines> kept_;
};

}  // namespace mtasts
