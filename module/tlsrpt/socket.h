// The way to tlsrpt-collectd: its datagram socket. Nobody ever waits for it. It belongs to a process, whatever services
// (module/service.h) begin and end there.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>

#include "core/ports.h"
#include "module/io/log.h"
#include "module/io/short_memory.h"
#include "module/tlsrpt/losses.h"

namespace mtasts {

// 0, or errno: EAGAIN or ENOBUFS where the collector has no room now.
int send_to_collector(const std::string& path, const std::string& datagram);
// Could something be sent there? 0, or errno.
int reach_collector(const std::string& path);
inline constexpr std::size_t kMaxUnsent = 200;  // datagrams that one process keeps for a collector without room
bool is_busy_collector(int error);

// Sessions of a process.
struct TlsrptCounts {
  std::uint64_t sent = 0;
  std::uint64_t lost = 0;
};

// For a process with an event loop. Everything passed to the constructor must outlive the object. One thread.
class TlsrptSocket {
 public:
  struct Deps {
    EventLoop& loop;
    Log& log;
    TlsrptCounts& counts;  // added to
  };

  // `store`: its directory, where the hours of warnings are kept for all processes.
  TlsrptSocket(const Deps& deps, std::string store, std::string path);
  // What waits is tried once more; what the collector has no room for then is lost.
  ~TlsrptSocket();
  // After a reload: `kept` where it leads there already, else a new one; nullptr for an empty path.
  static std::shared_ptr<TlsrptSocket> keep(std::shared_ptr<TlsrptSocket> kept, const Deps& deps,
                                            const std::string& store, const std::string& path);
  TlsrptSocket(const TlsrptSocket&) = delete;
  TlsrptSocket& operator=(const TlsrptSocket&) = delete;

  // Says so in the log when nothing could be sent there now: whoever fixes his configuration wants to know.
  void check();
  // The same as a loss of none: for all processes of the store once an hour, so that those are silent who could not
  // leave a stamp themselves.
  void remind();
  // At once, or when the collector has room: it is tried again after 10 ms, and after twice as long each time that it
  // takes nothing, up to a second. `lost` is called if it is lost, now or later.
  void send(std::string text, std::function<void()> lost = {});
  void lose(TlsrptLosses::Why why, const std::string& detail = {}, std::uint64_t count = 1);
  [[nodiscard]] bool is_empty() const { return unsent_.empty(); }
  // Called each time that nothing waits for the collector any more.
  void on_empty(std::function<void()> empty) { empty_ = std::move(empty); }
  // Deliveries that something was reported of: the questions of one can come before and after a reload.
  ShortMemory<bool>& deliveries() { return deliveries_; }

 private:
  struct Datagram {
    std::string text;
    std::function<void()> lost;
  };
  [[nodiscard]] bool send_all();
  void flush();
  void note(int error);
  void warn_later();

  Deps deps_;
  std::string store_;
  std::string path_;
  TlsrptLosses losses_;
  bool is_cut_off_ = false;  // since the last datagram
  std::deque<Datagram> unsent_;
  std::chrono::milliseconds pause_;  // before the next try
  ShortMemory<bool> deliveries_;
  std::function<void()> empty_;
  std::unique_ptr<EventLoop::Watch> again_;
  std::unique_ptr<EventLoop::Watch> warning_;
};

}  // namespace mtasts
