// The administrator's own proxy: what it does not do says nothing of the policy host (R13).
#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <string>
#include <thread>

#include "tests/unit/fetch/fetching.h"

namespace mtasts {
namespace {

using ::testing::HasSubstr;

constexpr char kNginx[] = "127.0.0.1";

// Takes one connection on loopback, and answers its first bytes with the same whatever they are.
class CannedProxy {
 public:
  explicit CannedProxy(std::string answer)
      : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)), answer_(std::move(answer)) {
    sockaddr_in where{};
    where.sin_family = AF_INET;
    where.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(bind(fd_, reinterpret_cast<const sockaddr*>(&where), sizeof where), 0);
    EXPECT_EQ(listen(fd_, 1), 0);
    socklen_t size = sizeof where;
    EXPECT_EQ(getsockname(fd_, reinterpret_cast<sockaddr*>(&where), &size), 0);
    port_ = ntohs(where.sin_port);
    thread_ = std::thread([this] { serve(); });
  }
  ~CannedProxy() {
    shutdown(fd_, SHUT_RDWR);
    thread_.join();
    close(fd_);
  }
  CannedProxy(const CannedProxy&) = delete;
  CannedProxy& operator=(const CannedProxy&) = delete;

  [[nodiscard]] std::string authority() const { return "127.0.0.1:" + std::to_string(port_); }

 private:
  void serve() const {
    const int peer = accept(fd_, nullptr, nullptr);
    if (peer < 0) return;
    std::string asked(4096, '\0');
    if (read(peer, asked.data(), asked.size()) > 0) send(peer, answer_.data(), answer_.size(), MSG_NOSIGNAL);
    close(peer);
  }

  int fd_;
  std::uint16_t port_ = 0;
  std::string answer_;
  std::thread thread_;
};

Error fetched_by(const std::string& proxy) {
  auto config = test::lab_fetcher();
  config.proxy = proxy;
  const auto result = test::Fetching(config).fetch("good.test", {kNginx});
  return result ? Error{ErrorCode::kInternal, "it was fetched"} : result.error();
}

TEST(Proxy, R13TheOneThatIsConfiguredIsUsedWhateverTheEnvironmentSays) {
  setenv("no_proxy", "*", 1);
  const Error error = fetched_by("http://127.0.0.9:1");  // nothing listens there
  unsetenv("no_proxy");
  EXPECT_EQ(error.code, ErrorCode::kLocalFault);
  EXPECT_THAT(error.detail, HasSubstr("the proxy cannot be reached"));
}

TEST(Proxy, OneWithoutAnAddressIsALocalFault) {
  EXPECT_EQ(fetched_by("http://proxy.invalid:3128").code, ErrorCode::kLocalFault);
}

TEST(Proxy, OneThatRefusesIsALocalFault) {
  for (const char* status : {"403 Forbidden", "407 Proxy Authentication Required"}) {
    const CannedProxy proxy("HTTP/1.1 " + std::string(status) + "\r\nContent-Length: 0\r\n\r\n");
    const Error error = fetched_by("http://" + proxy.authority());
    EXPECT_EQ(error.code, ErrorCode::kLocalFault) << status << ": " << error.detail;
    EXPECT_THAT(error.detail, HasSubstr("the proxy refuses"));
  }
}

TEST(Proxy, WhatItSaysOfTheHostIsTheHostsFailure) {
  for (const char* status : {"502 Bad Gateway", "504 Gateway Timeout"}) {
    const CannedProxy proxy("HTTP/1.1 " + std::string(status) + "\r\nContent-Length: 0\r\n\r\n");
    EXPECT_EQ(fetched_by("http://" + proxy.authority()).code, ErrorCode::kPolicyFetch) << status;
  }
}

// Its answers: no authentication; then to the request: 2 not allowed, 5 refused by the host.
TEST(Proxy, SocksTellsItsOwnRefusalFromTheHosts) {
  const std::string no_method("\x05\xff", 2);
  const CannedProxy unwilling(no_method);
  EXPECT_EQ(fetched_by("socks5h://" + unwilling.authority()).code, ErrorCode::kLocalFault);
  const std::string rest("\x00\x01\x00\x00\x00\x00\x00\x00", 8);
  const CannedProxy forbids(std::string("\x05\x00\x05\x02", 4) + rest);
  EXPECT_EQ(fetched_by("socks5h://" + forbids.authority()).code, ErrorCode::kLocalFault);
  const CannedProxy refused(std::string("\x05\x00\x05\x05", 4) + rest);
  EXPECT_EQ(fetched_by("socks5h://" + refused.authority()).code, ErrorCode::kPolicyFetch);
}

}  // namespace
}  // namespace mtasts
