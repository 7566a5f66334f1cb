// The way to tlsrpt-collectd: its datagram socket. Nobody ever waits for it.
#pragma once

#include <cstddef>
#include <deque>
#include <memory>
#include <string>

#include "core/ports.h"
#include "module/io/log.h"
#include "module/store/throttle.h"

namespace mtasts {

// Everything passed to the constructor must outlive the object. One thread.
class TlsrptSocket {
 public:
  // Why sessions are lost; each is a warning once an hour, by a stamp in the store.
  enum class Loss {
    kNobody,     // nobody listens there
    kForbidden,  // this program's user may not write there
    kSlow,       // the collector does not keep up
    kTooLarge,   // for a datagram
    kDns,        // the records that ask for reports do not come
    kOther,
  };

  // Says so in the log when nothing could be sent there now: whoever fixes his configuration wants to know.
  TlsrptSocket(EventLoop& loop, SharedThrottle& throttle, Log& log, std::string path);
  // What has not been sent by then is lost.
  ~TlsrptSocket();
  TlsrptSocket(const TlsrptSocket&) = delete;
  TlsrptSocket& operator=(const TlsrptSocket&) = delete;

  // At once, or as soon as the collector has room.
  void send(std::string datagram);
  // `error`: errno, where there is one.
  void lose(Loss why, int error = 0);

 private:
  void flush();
  void note(int error);
  void warn(Loss why, int error);

  EventLoop& loop_;
  SharedThrottle& throttle_;
  Log& log_;
  std::string path_;
  bool is_cut_off_ = false;  // since the last datagram
  std::deque<std::string> unsent_;
  std::unique_ptr<EventLoop::Watch> again_;
};

}  // namespace mtasts
