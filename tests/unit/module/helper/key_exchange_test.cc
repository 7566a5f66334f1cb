// libcurl gives no hold on GnuTLS's key exchanges: the helper gives GnuTLS a configuration before it loads it
// (module/helper/engine_library), so that finite-field Diffie-Hellman is not even offered. A session with it would be
// refused later (fetch/key_exchange_test), when the peer has had its processor time.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <optional>
#include <thread>

#include "module/helper/client.h"
#include "module/io/event_loop.h"
#include "module/store/policy_store.h"
#include "tests/unit/module/fakes.h"
#include "tests/unit/module/helper/copied_engines.h"
#include "tests/unit/module/lab_config.h"
#include "tests/unit/module/scratch.h"
#include "tests/unit/openssl_server.h"

namespace mtasts {
namespace {

using std::chrono::seconds;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

// Where the lab's policy hosts are, at another port.
constexpr const char* kAddress = "127.0.0.1";

sockaddr_in on_loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

std::uint16_t free_port() {
  const Descriptor socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  auto address = on_loopback(0);
  socklen_t size = sizeof address;
  ::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), size);
  ::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&address), &size);
  return ntohs(address.sin_port);
}

// With the certificate of rsa2048; it answers every request with a page.
class Server {
 public:
  explicit Server(std::vector<std::string> options) {
    options.emplace_back("-www");
    server_.emplace(kAddress + (":" + std::to_string(port_)), "leaf-rsa2048.pem", "leaf-RSA_2048.key", options);
    EXPECT_TRUE(listens()) << "openssl s_server never listened";
  }
  [[nodiscard]] std::uint16_t port() const { return port_; }

 private:
  [[nodiscard]] bool listens() const {
    const auto address = on_loopback(port_);
    for (int i = 0; i < 500; ++i) {
      const Descriptor socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
      if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    return false;
  }

  std::uint16_t port_ = free_port();
  std::optional<test::OpensslServer> server_;
};

// An MX host as far as STARTTLS, for one session; from there on it is the server, which answers no EHLO.
class MxHost {
 public:
  explicit MxHost(const Server& server) : listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const auto address = on_loopback(port_);
    ::bind(listener_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address);
    ::listen(listener_.get(), 1);
    thread_ = std::thread([this, port = server.port()] { serve(port); });
  }
  MxHost(const MxHost&) = delete;
  MxHost& operator=(const MxHost&) = delete;
  ~MxHost() {
    ::shutdown(listener_.get(), SHUT_RDWR);
    thread_.join();
  }
  [[nodiscard]] std::uint16_t port() const { return port_; }

 private:
  static void say(int fd, std::string_view line) {
    [[maybe_unused]] const auto sent = ::send(fd, line.data(), line.size(), MSG_NOSIGNAL);
  }
  // False at the end.
  static bool move(int from, int to) {
    std::array<char, 4096> buffer{};
    const auto got = ::recv(from, buffer.data(), buffer.size(), 0);
    if (got > 0) say(to, {buffer.data(), static_cast<std::size_t>(got)});
    return got > 0;
  }
  void serve(std::uint16_t port) const {
    const Descriptor client(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    std::array<char, 4096> command{};
    for (const char* reply : {"220 mx\r\n", "250-mx\r\n250 STARTTLS\r\n", "220 go on\r\n"}) {
      say(client.get(), reply);
      if (reply[4] != 'g' && ::recv(client.get(), command.data(), command.size(), 0) <= 0) return;
    }
    const Descriptor server(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const auto address = on_loopback(port);
    ::connect(server.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address);
    std::array<struct pollfd, 2> both{{{client.get(), POLLIN, 0}, {server.get(), POLLIN, 0}}};
    while (::poll(both.data(), both.size(), 20'000) > 0) {
      if (both[0].revents != 0 && !move(client.get(), server.get())) return;
      if (both[1].revents != 0 && !move(server.get(), client.get())) return;
    }
  }

  std::uint16_t port_ = free_port();
  Descriptor listener_;
  std::thread thread_;
};

class HelperKeyExchangeTest : public ::testing::Test {
 protected:
  HelperKeyExchangeTest() {
    ::chmod(scratch_.path().c_str(), 0777);  // the helper may be another user
    test::copy_engines(MTASTS_TEST_ENGINE_DIR, engines_.path());
    config_.engine_directory = engines_.path();
    config_.tls = TlsLibrary::kGnuTls;
    config_.network.probe.ca_file = config_.network.fetch.ca_file;
    config_.network.probe.allow_private = config_.network.fetch.allow_private;
    config_.tries_mx_hosts = true;
  }
  std::unique_ptr<HelperClient> open() {
    auto opened = HelperClient::open(config_, {*loop_, store_, log_, LogTarget::kSyslog});
    EXPECT_TRUE(opened) << opened.error().detail;
    return opened ? std::move(*opened) : nullptr;
  }
  // Why there is no policy file.
  std::string fetch(const Server& server) {
    config_.network.fetch.port = server.port();
    const auto client = open();
    std::string came = "nothing";
    client->lookup(*Domain::parse("rsa2048.test"), Lookup::Effort::kNormal, seconds(20), [&](const Outcome& outcome) {
      came = outcome.entry.failure ? outcome.entry.failure->error.detail : "no failure";
      loop_->stop();
    });
    loop_->run();
    return came;
  }
  std::string probe(const Server& server) {
    const MxHost mx_host(server);
    config_.network.probe.port = mx_host.port();
    const auto client = open();
    std::string came = "nothing";
    client->prober().probe("mta-sts.rsa2048.test", {kAddress}, MxProber::Sni::kSent, [&](const MxTrial& trial) {
      came = trial.result ? "passes" : trial.result.error().detail;
      loop_->stop();
    });
    loop_->run();
    return came;
  }

  Scratch scratch_;
  Scratch engines_;
  FakeLog log_;
  FileStore store_{scratch_.path(), log_};
  std::unique_ptr<EventLoop> loop_ = make_event_loop().value();
  Config config_ = lab_config(scratch_.path());
};

struct Offer {
  const char* name;
  std::vector<std::string> options;
};

class FiniteFieldTest : public HelperKeyExchangeTest, public ::testing::WithParamInterface<Offer> {};

// Refused by the server, which is offered nothing that it has; not by us, after the handshake.
const auto kNotEvenOffered = AllOf(HasSubstr("andshake"), Not(HasSubstr("finite-field")));

TEST_P(FiniteFieldTest, H1IsNotOfferedToPolicyHosts) {
  EXPECT_THAT(fetch(Server(GetParam().options)), kNotEvenOffered);
}

TEST_P(FiniteFieldTest, H1IsNotOfferedToMxHosts) { EXPECT_THAT(probe(Server(GetParam().options)), kNotEvenOffered); }

INSTANTIATE_TEST_SUITE_P(KeyExchange, FiniteFieldTest,
                         ::testing::Values(Offer{"Tls12", {"-tls1_2", "-cipher", "DHE-RSA-AES256-GCM-SHA384"}},
                                           Offer{"Tls13", {"-tls1_3", "-groups", "ffdhe2048"}}),
                         [](const auto& tested) { return tested.param.name; });

// The servers above are refused for their key exchange alone.
TEST_F(HelperKeyExchangeTest, EllipticCurvesAreUsed) {
  EXPECT_THAT(fetch(Server({"-tls1_2", "-cipher", "ECDHE-RSA-AES256-GCM-SHA384"})), HasSubstr("text/html"));
}

}  // namespace
}  // namespace mtasts
