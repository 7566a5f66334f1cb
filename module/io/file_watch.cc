#include "module/io/file_watch.h"

#include <sys/stat.h>

#include <utility>

namespace mtasts {

FileWatch::FileWatch(EventLoop& loop, std::string path, std::function<void()> changed)
    : loop_(loop), path_(std::move(path)), changed_(std::move(changed)), seen_(stamp_of(path_)) {
  timer_ = loop_.after(kPeriod, [this] { look(); });
}

FileWatch::Stamp FileWatch::stamp_of(const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) return {};
  return {status.st_dev, status.st_ino, status.st_size, status.st_mtim.tv_sec, status.st_mtim.tv_nsec};
}

void FileWatch::look() {
  timer_ = loop_.after(kPeriod, [this] { look(); });
  const Stamp before = std::exchange(seen_, stamp_of(path_));
  if (seen_ != before) changed_();
}

}  // namespace mtasts
