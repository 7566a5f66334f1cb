// A policy host chooses the key exchange. Finite-field Diffie-Hellman of its size costs seconds of processor time, so
// that no session with it is used, whatever its certificate.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <thread>

#include "tests/unit/fetch/fetching.h"
#include "tests/unit/openssl_server.h"

namespace mtasts {
namespace {

using ::testing::HasSubstr;

// Tests may run at the same time, also those of both libraries: each has an address of its own.
std::string address_of_test(int number) {
  return (fetcher_tls_library() == std::string("gnutls") ? "127.0.17." : "127.0.16.") + std::to_string(number);
}

// With the certificate of rsa2048; it answers every request with a page.
class Server {
 public:
  Server(const std::string& address, std::vector<std::string> options) : address_(address) {
    options.emplace_back("-www");
    server_.emplace(address + ":" + test::lab("POLICY_PORT"), "leaf-rsa2048.pem", "leaf-RSA_2048.key", options);
  }

  // Why the fetch failed, once the server listens.
  [[nodiscard]] Error fetch() const {
    for (int i = 0; i < 200; ++i) {
      const auto file = test::Fetching(test::lab_fetcher()).fetch("rsa2048.test", {address_});
      if (file) return {ErrorCode::kInternal, "it was fetched"};
      if (file.error().detail.find("connect to server") == std::string::npos) return file.error();
      std::this_thread::sleep_for(std::chrono::milliseconds{20});
    }
    return {ErrorCode::kInternal, "openssl s_server never listened"};
  }

 private:
  std::string address_;
  std::optional<test::OpensslServer> server_;
};

// OpenSSL does not offer it; GnuTLS does in this program, where nobody told it beforehand, and the session is refused.
const char* refusal() {
  return fetcher_tls_library() == std::string("gnutls") ? "finite-field Diffie-Hellman" : "handshake failure";
}

TEST(KeyExchange, FiniteFieldGroupsAreRefusedInTls12) {
  const Server server(address_of_test(1), {"-tls1_2", "-cipher", "DHE-RSA-AES256-GCM-SHA384"});
  EXPECT_THAT(server.fetch().detail, HasSubstr(refusal()));
}

TEST(KeyExchange, FiniteFieldGroupsAreRefusedInTls13) {
  const Server server(address_of_test(2), {"-tls1_3", "-groups", "ffdhe2048"});
  EXPECT_THAT(server.fetch().detail, HasSubstr(refusal()));
}

// The page that it answers with is no policy, but the session was good.
TEST(KeyExchange, EllipticCurvesAndRsaAreUsed) {
  for (const std::vector<std::string>& options :
       std::vector<std::vector<std::string>>{{"-tls1_3", "-groups", "X25519"},
                                             {"-tls1_3", "-groups", "P-521"},
                                             {"-tls1_2", "-cipher", "ECDHE-RSA-AES128-GCM-SHA256"},
                                             {"-tls1_2", "-cipher", "AES256-GCM-SHA384"}}) {
    const Server server(address_of_test(3), options);
    EXPECT_THAT(server.fetch().detail, HasSubstr("text/html")) << options.back();
  }
}

}  // namespace
}  // namespace mtasts
