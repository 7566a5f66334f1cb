// libcurl's multi handle on one of our event loops: carries out any number of easy handles at a time.
#pragma once

#include <sys/types.h>

#include <functional>
#include <map>
#include <memory>

#include "core/ports.h"
#include "core/result.h"

namespace mtasts {

class CurlMulti {
 public:
  using Done = std::function<void(int curl_code)>;

  // The loop must outlive it.
  explicit CurlMulti(EventLoop& loop);
  ~CurlMulti();  // the handles must have been removed
  CurlMulti(const CurlMulti&) = delete;
  CurlMulti& operator=(const CurlMulti&) = delete;

  [[nodiscard]] bool is_usable() const { return multi_ != nullptr; }
  // Calls `done` once, in a later round of the loop, with the CURLcode; it must remove the handle. Error kLocalFault:
  // libcurl refused; kInternal: this is a child of the process that made the multi handle.
  Result<void> add(void* easy, Done done);
  // At any time, but not from inside one of libcurl's own callbacks.
  void remove(void* easy);

 private:
  struct Cleanup {
    void operator()(void* multi) const;
  };
  struct Callbacks;

  void advance(int fd, int events);

  EventLoop& loop_;
  const pid_t pid_;
  std::map<void*, Done> under_way_;
  std::unique_ptr<EventLoop::Watch> timer_;
  std::map<int, std::unique_ptr<EventLoop::Watch>> sockets_;
  std::unique_ptr<void, Cleanup> multi_;  // last: its end still calls back
};

}  // namespace mtasts
