// A DNS server on loopback TCP that answers as the test says, for what no real server does; and the few lines that
// build its messages.
#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace mtasts::test {

inline std::string u16(unsigned value) {
  return {static_cast<char>(value >> 8 & 0xff), static_cast<char>(value & 0xff)};
}
inline std::string u32(std::uint32_t value) { return u16(value >> 16) + u16(value & 0xffff); }

// "a.test" in wire form.
inline std::string wire_name(std::string_view name) {
  std::string wire;
  while (!name.empty()) {
    const auto label = name.substr(0, name.find('.'));
    wire += static_cast<char>(label.size());
    wire += label;
    name.remove_prefix(std::min(label.size() + 1, name.size()));
  }
  return wire + '\0';
}

enum : unsigned { kA = 1, kNs = 2, kCname = 5, kSoa = 6, kMx = 15, kTxt = 16, kAaaa = 28 };

// One resource record; `owner` and `rdata` in wire form.
inline std::string rr(const std::string& owner, unsigned type, std::uint32_t ttl, const std::string& rdata,
                      unsigned rr_class = 1) {
  return owner + u16(type) + u16(rr_class) + u32(ttl) + u16(static_cast<unsigned>(rdata.size())) + rdata;
}
inline std::string character_string(const std::string& text) { return static_cast<char>(text.size()) + text; }
inline std::string soa(std::uint32_t ttl, std::uint32_t minimum) {
  return rr(wire_name("test"), kSoa, ttl,
            wire_name("ns.test") + wire_name("root.test") + u32(1) + u32(2) + u32(3) + u32(4) + u32(minimum));
}

struct Query {
  std::string id;    // 2 octets
  std::string name;  // wire form, as it came
  unsigned type = 0;
  unsigned query_class = 1;
  int number = 0;       // 1 for the first that the server got
  std::string bytes{};  // all of it, without its length

  [[nodiscard]] std::string question() const { return name + u16(type) + u16(query_class); }
};

// A reply; what differs from a good empty one is set by the test.
struct Message {
  unsigned flags = 0x8180;  // QR, RD, RA
  std::optional<std::string> id{};
  std::optional<std::string> question{};
  std::vector<std::string> answer{};
  std::vector<std::string> authority{};

  [[nodiscard]] std::string to(const Query& query) const {
    std::string bytes = id.value_or(query.id) + u16(flags) + u16(1) + u16(static_cast<unsigned>(answer.size())) +
                        u16(static_cast<unsigned>(authority.size())) + u16(0) + question.value_or(query.question());
    for (const auto* section : {&answer, &authority})
      for (const auto& record : *section) bytes += record;
    return u16(static_cast<unsigned>(bytes.size())) + bytes;
  }
};

class ScriptedServer {
 public:
  // Bytes to send, length included; nullopt closes the connection.
  using Script = std::function<std::optional<std::string>(const Query&)>;

  // How replies are sent: at once, every octet by itself, or with the connection closed behind each.
  enum class Manner { kWhole, kPieces, kCloseAfter };

  explicit ScriptedServer(Script script, Manner manner = Manner::kWhole) : script_(std::move(script)), manner_(manner) {
    listener_ = socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    EXPECT_EQ(bind(listener_, reinterpret_cast<sockaddr*>(&address), size), 0);
    EXPECT_EQ(listen(listener_, 16), 0);
    EXPECT_EQ(getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size), 0);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { serve(); });
  }
  ~ScriptedServer() {
    shutdown(listener_, SHUT_RDWR);  // ends accept()
    if (const int connection = connection_; connection >= 0) shutdown(connection, SHUT_RDWR);
    thread_.join();
    close(listener_);
  }
  ScriptedServer(const ScriptedServer&) = delete;
  ScriptedServer& operator=(const ScriptedServer&) = delete;

  [[nodiscard]] std::string address() const { return "127.0.0.1:" + std::to_string(port_); }
  [[nodiscard]] int queries() const { return queries_; }

 private:
  void serve() {
    for (;;) {
      const int connection = accept(listener_, nullptr, nullptr);
      if (connection < 0) return;
      connection_ = connection;
      while (answer_one(connection)) {
      }
      connection_ = -1;
      close(connection);
    }
  }

  bool answer_one(int connection) {
    std::string length(2, '\0');
    if (!receive(connection, length)) return false;
    std::string bytes(
        static_cast<std::size_t>(static_cast<unsigned char>(length[0]) << 8 | static_cast<unsigned char>(length[1])),
        '\0');
    if (!receive(connection, bytes)) return false;
    Query query;
    query.id = bytes.substr(0, 2);
    std::size_t end = 12;
    while (bytes.at(end) != '\0') end += 1 + static_cast<unsigned char>(bytes[end]);
    query.name = bytes.substr(12, end + 1 - 12);
    query.type = static_cast<unsigned>(static_cast<unsigned char>(bytes.at(end + 1)) << 8 |
                                       static_cast<unsigned char>(bytes.at(end + 2)));
    query.query_class = static_cast<unsigned char>(bytes.at(end + 4));
    query.number = ++queries_;
    query.bytes = bytes;
    const auto reply = script_(query);
    return reply && deliver(connection, *reply) && manner_ != Manner::kCloseAfter;
  }

  static bool receive(int connection, std::string& bytes) {
    return recv(connection, bytes.data(), bytes.size(), MSG_WAITALL) == static_cast<ssize_t>(bytes.size());
  }

  [[nodiscard]] bool deliver(int connection, const std::string& bytes) const {
    const std::size_t step = manner_ == Manner::kPieces ? 1 : bytes.size();
    for (std::size_t at = 0; at < bytes.size(); at += step) {
      if (send(connection, bytes.data() + at, step, MSG_NOSIGNAL) < 0) return false;
      if (manner_ == Manner::kPieces) usleep(500);
    }
    return true;
  }

  Script script_;
  Manner manner_;
  int listener_ = -1;
  unsigned port_ = 0;
  std::atomic<int> connection_{-1};
  std::atomic<int> queries_{0};
  std::thread thread_;
};

}  // namespace mtasts::test
