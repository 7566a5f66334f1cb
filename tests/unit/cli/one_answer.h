// A server that gives one answer, whatever it is asked, in pieces; then it waits for the client to close.
#pragma once

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <string>
#include <thread>
#include <vector>

#include "module/io/listen_socket.h"

namespace mtasts::cli {

class OneAnswer {
 public:
  OneAnswer(const std::string& address, std::vector<std::string> pieces)
      : listening_(listen_on(parse_listen_address(address).value(), {}).value()),
        thread_([this, pieces = std::move(pieces)] { serve(pieces); }) {}
  ~OneAnswer() { thread_.join(); }
  OneAnswer(const OneAnswer&) = delete;
  OneAnswer& operator=(const OneAnswer&) = delete;

  std::string asked() {
    thread_.join();
    thread_ = std::thread([] {});
    return asked_;
  }

 private:
  static bool readable(const Descriptor& socket) {
    pollfd waiting{socket.get(), POLLIN, 0};
    return ::poll(&waiting, 1, 5'000) == 1;
  }
  void serve(const std::vector<std::string>& pieces) {
    if (!readable(listening_)) return;
    const Descriptor client(::accept(listening_.get(), nullptr, nullptr));
    std::array<char, 100> bytes;
    if (!readable(client)) return;
    const auto got = ::recv(client.get(), bytes.data(), bytes.size(), 0);
    asked_.assign(bytes.data(), static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
    for (const std::string& piece : pieces) ::send(client.get(), piece.data(), piece.size(), MSG_NOSIGNAL);
    if (pieces.empty()) return;  // closes without an answer
    if (readable(client)) static_cast<void>(::recv(client.get(), bytes.data(), bytes.size(), 0));
  }

  Descriptor listening_;
  std::string asked_;
  std::thread thread_;
};

}  // namespace mtasts::cli
