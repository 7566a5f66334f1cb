// How far the work is, on one line of the terminal, while somebody waits. Nothing is written where standard error is
// none.
#pragma once

#include <ostream>
#include <string>

namespace mtasts::cli {

class Progress {
 public:
  // `width`: columns of the terminal; a longer line could not be erased.
  Progress(std::ostream& err, bool is_terminal, std::size_t width)
      : err_(err), is_terminal_(is_terminal), width_(width) {}
  ~Progress() { clear(); }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  // In the place of what was shown before.
  void show(const std::string& text) {
    if (!is_terminal_) return;
    err_ << kErase << text.substr(0, width_ - 1) << std::flush;
    is_shown_ = true;
  }
  // Before anything else is written.
  void clear() {
    if (is_shown_) err_ << kErase << std::flush;
    is_shown_ = false;
  }

 private:
  static constexpr const char* kErase = "\r\x1b[K";

  std::ostream& err_;
  bool is_terminal_;
  std::size_t width_;
  bool is_shown_ = false;
};

}  // namespace mtasts::cli
