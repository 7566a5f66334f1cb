#include "module/io/acceptor.h"

#include <sys/socket.h>

#include <cerrno>
#include <chrono>
#include <utility>

namespace mtasts {
namespace {

constexpr std::chrono::seconds kPause{1};

bool is_of_the_client(int error) { return error == ECONNABORTED || error == EINTR || error == EPROTO; }

}  // namespace

Acceptor::Acceptor(EventLoop& loop, std::vector<Source> sources, int at_once, Paused paused)
    : loop_(loop), sources_(std::move(sources)), at_once_(at_once), paused_(std::move(paused)) {
  listen();
}

void Acceptor::stop() {
  watches_.clear();
  sources_.clear();
}

void Acceptor::listen() {
  watches_.clear();
  for (const Source& source : sources_) {
    watches_.push_back(loop_.watch(source.listening.get(), EventLoop::kRead,
                                   [this, &source](unsigned /*ready*/) { accept_from(source); }));
  }
}

void Acceptor::accept_from(const Source& source) {
  for (int i = 0; i < at_once_; ++i) {
    Descriptor socket(::accept4(source.listening.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (socket) {
      source.take(std::move(socket));
      continue;
    }
    const int error = errno;
    if (error != EAGAIN && !is_of_the_client(error)) pause(error);
    return;
  }
}

void Acceptor::pause(int error) {
  watches_.clear();
  watches_.push_back(loop_.after(kPause, [this] { listen(); }));
  paused_(error);
}

}  // namespace mtasts
