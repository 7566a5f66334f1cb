// The way to tlsrpt-collectd: its datagram socket. Nobody ever waits for it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>

#include "core/ports.h"
#include "module/io/log.h"
#include "module/tlsrpt/losses.h"

namespace mtasts {

// 0, or errno: EAGAIN or ENOBUFS where the collector has no room now.
int send_to_collector(const std::string& path, const std::string& datagram);
// Could something be sent there? 0, or errno.
int reach_collector(const std::string& path);
inline constexpr std::size_t kMaxUnsent = 200;  // datagrams that one process keeps for a collector without room
bool is_busy_collector(int error);

// For a process with an event loop. Everything passed to the constructor must outlive the object. One thread.
class TlsrptSocket {
 public:
  // `store`: its directory, where the hours of warnings are kept for all processes.
  TlsrptSocket(EventLoop& loop, Log& log, std::string store, std::string path);
  // What has not been sent by then is lost.
  ~TlsrptSocket();
  TlsrptSocket(const TlsrptSocket&) = delete;
  TlsrptSocket& operator=(const TlsrptSocket&) = delete;

  // Says so in the log when nothing could be sent there now: whoever fixes his configuration wants to know.
  void check();
  // At once, or as soon as the collector has room.
  void send(std::string datagram);
  void lose(TlsrptLosses::Why why) { losses_.add(why); }
  [[nodiscard]] bool is_empty() const { return unsent_.empty(); }
  // Called each time that nothing waits for the collector any more.
  void on_empty(std::function<void()> empty) { empty_ = std::move(empty); }
  [[nodiscard]] std::uint64_t sent() const { return sent_; }
  [[nodiscard]] std::uint64_t lost() const { return losses_.total(); }

 private:
  void flush();
  void note(int error);

  EventLoop& loop_;
  Log& log_;
  std::string path_;
  TlsrptLosses losses_;
  bool is_cut_off_ = false;  // since the last datagram
  std::uint64_t sent_ = 0;
  std::deque<std::string> unsent_;
  std::function<void()> empty_;
  std::unique_ptr<EventLoop::Watch> again_;
};

}  // namespace mtasts
