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
// loop must outlive it. `changed` is called from the loop; also for a file that appears or is gone.
class FileWatch {
 public:
  FileWatch(EventLoop& loop, std::string path, std::function<void()> changed);

  static constexpr std::chrono::seconds kPeriod{30};

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
  void look();

  EventLoop& loop_;
  std::string path_;
  std::function<void()> changed_;
  Stamp seen_;
  std::unique_ptr<EventLoop::Watch> timer_;
};

}  // namespace mtasts
