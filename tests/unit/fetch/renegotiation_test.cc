// A policy host that asks for a new TLS handshake in the middle of the answer and then says nothing more: whoever
// followed would wait for it, and with him everybody on the same loop.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <optional>
#include <thread>

#include "tests/unit/fetch/fetching.h"
#include "tests/unit/fetch/pulse.h"
#include "tests/unit/openssl_server.h"

namespace mtasts {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;

// Both libraries' tests may run at the same time.
const std::string kAddress = fetcher_tls_library() == std::string("gnutls") ? "127.0.0.6" : "127.0.0.5";
constexpr char kDomain[] = "echo.hostile.test";

// With TLS 1.2, in which it begins a new handshake when its input says so.
class RenegotiatingServer {
 public:
  RenegotiatingServer() {
    std::array<int, 2> input{};
    EXPECT_EQ(::pipe2(input.data(), O_CLOEXEC), 0);
    server_.emplace(kAddress + ":" + test::lab("POLICY_PORT"), "leaf-hostile.pem", "leaf-EC.key",
                    std::vector<std::string>{"-tls1_2"}, input[0]);
    ::close(input[0]);
    input_ = input[1];
  }
  RenegotiatingServer(const RenegotiatingServer&) = delete;
  RenegotiatingServer& operator=(const RenegotiatingServer&) = delete;
  ~RenegotiatingServer() { ::close(input_); }

  // Once the connection is up.
  void renegotiate_and_fall_silent() const {
    EXPECT_EQ(::write(input_, "r\n", 2), 2);
    std::this_thread::sleep_for(milliseconds{20});
    server_->stand_still();
  }

 private:
  std::optional<test::OpensslServer> server_;
  int input_ = -1;
};

TEST(RenegotiatingPolicyHost, HoldsUpNobody) {
  const RenegotiatingServer server;
  auto config = test::lab_fetcher();
  config.timeout = seconds{2};
  // Until it listens.
  for (int i = 0; i < 100; ++i) {
    test::Fetching fetching(config);
    std::unique_ptr<EventLoop::Watch> renegotiate;
    bool asked = false;
    const auto begin = steady_clock::now();
    renegotiate = fetching.loop().after(milliseconds{300}, [&] {
      asked = true;
      server.renegotiate_and_fall_silent();
    });
    const test::Pulse pulse(fetching.loop());
    const auto file = fetching.fetch(kDomain, {kAddress});
    ASSERT_FALSE(file);
    if (!asked) {
      std::this_thread::sleep_for(milliseconds{20});
      continue;
    }
    EXPECT_EQ(file.error().code, ErrorCode::kPolicyFetch) << file.error().detail;
    EXPECT_LT(pulse.longest(), milliseconds{700}) << file.error().detail;
    EXPECT_LT(steady_clock::now() - begin, milliseconds{3500});
    return;
  }
  FAIL() << "openssl s_server never listened";
}

}  // namespace
}  // namespace mtasts
