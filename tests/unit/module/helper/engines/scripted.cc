// An engine library without a network. The record question for a name with "stall" in it never comes back, as a
// stranger's handshake may not; one with "crash" ends the process; one with "slow" is never answered, one with "late"
// after a second; all other names have no record, and are answered at once.
#include <unistd.h>

#include <cstdlib>

#include "tests/unit/module/helper/engines/test_network.h"

namespace mtasts {
namespace {

class ScriptedResolver final : public Resolver {
 public:
  explicit ScriptedResolver(EventLoop& loop) : loop_(loop) {}
  void txt(const std::string& name, Callback<std::string> done, const Requester&) override {
    while (name.find("stall") != std::string::npos) ::pause();
    if (name.find("crash") != std::string::npos) std::abort();
    if (name.find("slow") != std::string::npos) return;
    const std::chrono::seconds delay{name.find("late") != std::string::npos ? 1 : 0};
    later(
        [done = std::move(done)] {
          done(DnsAnswer<std::string>{DnsAnswer<std::string>::Kind::kNxDomain, {}, {}});
        },
        delay);
  }
  void mx(const std::string& name, Callback<MxRecord> done, const Requester&) override {
    later([name, done = std::move(done)] {
      done(DnsAnswer<MxRecord>{
          DnsAnswer<MxRecord>::Kind::kFound, {{10, "mx." + name}, {0, ""}}, std::chrono::seconds(7)});
    });
  }
  void addresses(const std::string& /*name*/, Callback<std::string> done, const Requester&) override {
    later([done = std::move(done)] { done(fail(ErrorCode::kDnsTimeout, "scripted")); });
  }
  void tlsa(const std::string& /*name*/, Callback<TlsaRecord> done, const Requester&) override {
    later([done = std::move(done)] {
      done(DnsAnswer<TlsaRecord>{DnsAnswer<TlsaRecord>::Kind::kFound,
                                 {{3, 1, 1, std::string("\0 ,:\xff", 5)}},
                                 std::chrono::seconds(1),
                                 true});
    });
  }
  void cname(const std::string& /*name*/, Callback<std::string> done, const Requester&) override {
    later([done = std::move(done)] { done(DnsAnswer<std::string>{}); });
  }

 private:
  void later(std::function<void()> step, std::chrono::milliseconds delay = std::chrono::milliseconds(0)) {
    steps_.push_back(nullptr);
    steps_.back() = loop_.after(delay, std::move(step));
  }
  EventLoop& loop_;
  std::vector<std::unique_ptr<EventLoop::Watch>> steps_;
};

class ScriptedProber final : public MxProber {
  void probe(const std::string& host, const std::vector<std::string>& addresses, Sni sni, Callback done) override {
    done({fail(ErrorCode::kCertificateExpired, host + (sni == Sni::kSent ? " with SNI" : " without SNI")), "192.0.2.1",
          addresses.at(0)});
  }
};

}  // namespace
}  // namespace mtasts

extern "C" __attribute__((visibility("default"))) mtasts::Network* mtasts_network_open(
    const char* /*abi*/, const mtasts::NetworkConfig& /*config*/, mtasts::Error* /*error*/) noexcept {
  return new mtasts::TestNetwork<mtasts::ScriptedResolver, mtasts::ScriptedProber>();
}
