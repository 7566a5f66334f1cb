// Notices that a file has become another one, such as /etc/resolv.conf when the network comes up.
#pragma once

#include <chrono>
#include <ctime>
#include <functional>
#include <memory>
#include <string>

#include "core/ports.h"

namespace mtasts {

// Looks twice a minute, for as long as it lives: no notice of the kernel's reaches through every link and mount. The
// loop must outlive it. `follow` is called for a file that is another one, also for one that appears or is gone, and
// says whether it could be followed: if not, it is called at each look until it could.
class FileWatch {
 public:
  FileWatch(EventLoop& loop, std::string path, std::function<bool()> follow);

  static constexpr std::chrono::seconds kPeriod{30};

  // Looks now, and in a period again.
  void look();

 private:
  // Of no file: zeros.
  struct Stamp {
    dev_t device = 0;
    ino_t number = 0;
    off_t size = 0;
    std::int64_t modified_s = 0;
    std::int64_t modified_ns = 0;
    friend bool operator==(const Stamp&, const Stamp&) = default;
  };
  static Stamp stamp_of(const std::string& path);

  EventLoop& loop_;
  std::string path_;
  std::function<bool()> follow_;
  Stamp followed_;
  std::unique_ptr<EventLoop::Watch> timer_;
};

}  // namespace mtasts
