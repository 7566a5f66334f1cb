// Asks one question and waits for its answer.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "dns/resolver.h"
#include "module/io/event_loop.h"

namespace mtasts::test {

// A loop and a resolver on it.
class Asking {
 public:
  explicit Asking(const ResolverConfig& config)
      : loop_(make_event_loop().value()), resolver_(make_resolver(*loop_, config).value()) {}

  Result<DnsAnswer<std::string>> txt(const std::string& name) {
    return wait<std::string>([&](auto done) { resolver_->txt(name, std::move(done)); });
  }
  Result<DnsAnswer<MxRecord>> mx(const std::string& name) {
    return wait<MxRecord>([&](auto done) { resolver_->mx(name, std::move(done)); });
  }
  Result<DnsAnswer<std::string>> addresses(const std::string& name) {
    return wait<std::string>([&](auto done) { resolver_->addresses(name, std::move(done)); });
  }
  Result<DnsAnswer<TlsaRecord>> tlsa(const std::string& name) {
    return wait<TlsaRecord>([&](auto done) { resolver_->tlsa(name, std::move(done)); });
  }
  Result<DnsAnswer<std::string>> cname(const std::string& name) {
    return wait<std::string>([&](auto done) { resolver_->cname(name, std::move(done)); });
  }

  Result<DnsAnswer<std::string>> ns(const std::string& name) {
    return wait<std::string>([&](auto done) { resolver_->ns(name, std::move(done)); });
  }

  EventLoop& loop() { return *loop_; }
  Resolver& resolver() { return *resolver_; }
  void destroy_resolver() { resolver_.reset(); }

 private:
  template <typename Record, typename Ask>
  Result<DnsAnswer<Record>> wait(Ask ask) {
    std::optional<Result<DnsAnswer<Record>>> answer;
    ask([&](Result<DnsAnswer<Record>> got) {
      EXPECT_FALSE(answer) << "called back twice";
      answer = std::move(got);
      loop_->stop();
    });
    EXPECT_FALSE(answer) << "called back from inside the call";
    loop_->run();
    if (!answer) return fail(ErrorCode::kInternal, "the loop ended without an answer");
    return std::move(*answer);
  }

  std::unique_ptr<EventLoop> loop_;
  std::unique_ptr<Resolver> resolver_;
};

inline ResolverConfig asking_at(std::vector<std::string> resolvers) {
  ResolverConfig config;
  config.resolvers = std::move(resolvers);
  config.timeout = std::chrono::seconds{5};
  return config;
}

}  // namespace mtasts::test
