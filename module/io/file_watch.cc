#include "module/io/file_watch.h"

#include <sys/stat.h>

#include <utility>

namespace mtasts {

FileWatch::FileWatch(EventLoop& loop, std::string path, std::function<bool()> follow)
    : loop_(loop), path_(std::move(path)), follow_(std::move(follow)), followed_(stamp_of(path_)) {
  timer_ = loop_.after(kPeriod, [this] { look(); });
}

FileWatch::Stamp FileWatch::stamp_of(const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) return {};
  return {status.st_dev, status.st_ino, status.st_size, status.st_mtim.tv_sec, status.st_mtim.tv_nsec};
}

void FileWatch::look() {
  timer_ = loop_.after(kPeriod, [this] { look(); });
  const Stamp found = stamp_of(path_);
  if (found != followed_ && follow_()) followed_ = found;
}

}  // namespace mtasts
