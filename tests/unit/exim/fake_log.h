// A log that keeps its lines.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "module/io/log.h"

namespace mtasts {

struct Lines {
  std::vector<std::string> lines;
};

class FakeLog : public Log {
 public:
  explicit FakeLog(std::shared_ptr<Lines> lines) : lines_(std::move(lines)) {}

 private:
  void emit(LogLevel level, const std::string& line) override {
    lines_->lines.push_back(std::string(log_level_name(level)) + ": " + line);
  }
  std::shared_ptr<Lines> lines_;
};

}  // namespace mtasts
