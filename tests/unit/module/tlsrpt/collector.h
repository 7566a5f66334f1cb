// A tlsrpt-collectd at a real socket, and reports of sessions to it; scripted DNS.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "module/io/wall_clock.h"
#include "module/tlsrpt/tlsrpt.h"
#include "tests/unit/core/builders.h"
#include "tests/unit/module/fakes.h"
#include "tests/unit/module/scratch.h"

namespace mtasts::test {

inline constexpr char kTlsrptRecord[] = "v=TLSRPTv1; rua=mailto:r@example.com";

class Collector : public testing::Test {
 protected:
  Collector() { open(); }
  // Another process.
  void open(std::size_t dns_places = 200) {
    end();
    counts_ = {};
    socket_ = std::make_shared<TlsrptSocket>(TlsrptSocket::Deps{loop_, log_, counts_}, scratch_.path(), path_);
    reports_ = on_socket(dns_places);
    reports_->check_collector(TlsReports::When::kNow);
  }
  std::unique_ptr<TlsReports> on_socket(std::size_t dns_places = 200) {
    const TlsReports::Deps parts{
        resolver_, store_, scratch_.path(), [this] { return now_; }, [this] { return steady_; }, dns_places};
    return std::make_unique<TlsReports>(parts, socket_);
  }
  void reload() {
    socket_ = TlsrptSocket::keep(socket_, {loop_, log_, counts_}, scratch_.path(), path_);
    reports_ = on_socket();
  }
  void end() {
    reports_.reset();
    socket_.reset();
  }
  void listen() {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path_.copy(address.sun_path, sizeof(address.sun_path) - 1);
    ASSERT_EQ(::bind(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
    log_.lines.clear();
    open();
    cache("testing");
  }
  void cache(const char* mode, const std::string& domain = "example.com") {
    ASSERT_TRUE(store_.put({test::domain(domain),
                            {RecordMemory::State::kFound, now_ + std::chrono::hours(1), "1", {}},
                            stored_policy("1", now_, policy_body(mode, 604'800)),
                            {}}));
  }
  void pass(std::chrono::seconds time) {
    steady_ += time;
    now_ += time;
  }
  void TearDown() override { ::close(fd_); }
  void report(const std::string& host = "mx.example.com", Result<void> result = {},
              const std::string& domain = "example.com") {
    reports_->report(test::domain(domain), host, {std::move(result), "192.0.2.9", "192.0.2.1"},
                     steady_ + std::chrono::minutes(10));
  }
  // As if an hour had passed since the last warning that nobody listens.
  void age_stamp() {
    const std::string stamp = scratch_.path() + "/.due-tlsrpt-nobody";
    const std::array<timespec, 2> long_ago{timespec{1, 0}, timespec{1, 0}};
    ASSERT_EQ(::utimensat(AT_FDCWD, stamp.c_str(), long_ago.data(), 0), 0);
  }
  // "" when there is none.
  std::string datagram() const {
    std::string bytes(100'000, '\0');
    const auto got = ::recv(fd_, bytes.data(), bytes.size(), MSG_DONTWAIT);
    bytes.resize(got < 0 ? 0 : static_cast<std::size_t>(got));
    return bytes;
  }
  void answer(const std::vector<std::string>& records = {kTlsrptRecord}) {
    const auto asked = std::exchange(resolver_.txts, {});
    for (const auto& [name, done] : asked) done(FakeResolver::found(records));
  }

  void fail_dns(ErrorCode code) {
    const auto asked = std::exchange(resolver_.txts, {});
    for (const auto& [name, done] : asked) done(fail(code, "no answer"));
  }

  Scratch scratch_;
  std::string path_ = scratch_.path() + "/collectd.sock";
  int fd_ = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  WallTime now_ = mtasts::now();
  SteadyTime steady_{std::chrono::seconds(1000)};
  FakeLoop loop_;
  FakeResolver resolver_;
  FakeLog log_;
  FileStore store_{scratch_.path(), log_};
  TlsrptCounts counts_;
  std::shared_ptr<TlsrptSocket> socket_;
  std::unique_ptr<TlsReports> reports_;
};

}  // namespace mtasts::test
