// What a service manager tells a daemon and wants to hear from it: sockets that it opened beforehand
// (sd_listen_fds(3)), state and watchdog (sd_notify(3)). Both protocols are promised to stay as they are; ADR 0007 says
// why libsystemd is not linked. Without the variables of the environment nothing happens.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "module/io/descriptor.h"

namespace mtasts {

struct HandedOver {
  Descriptor socket;
  std::string name;  // FileDescriptorName= of its unit; its default is the unit's own name
};

// The listening stream sockets handed over, non-blocking and closed on exec; what else was handed over is closed. To
// be called once: the variables that announce them are taken out of the environment.
std::vector<HandedOver> sockets_from_systemd();

// How often the service manager wants to hear watchdog(), at the latest; nullopt: not at all.
std::optional<std::chrono::microseconds> watchdog_interval();

// Tells the service manager. Never fails: there is nobody else to tell.
class Notifier {
 public:
  Notifier();  // reads NOTIFY_SOCKET

  void ready() const { send("READY=1"); }
  void reloading() const;  // to be followed by ready()
  void stopping() const { send("STOPPING=1"); }
  void watchdog() const { send("WATCHDOG=1"); }
  // One line for `systemctl status`.
  void status(std::string_view text) const;

 private:
  void send(const std::string& message) const;

  std::string socket_;  // a path, or an abstract name after '@'; "": nobody listens
};

}  // namespace mtasts
