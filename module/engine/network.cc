#include "module/engine/network.h"

#include <string_view>
#include <utility>

#include "fetch/inspector.h"
#include "module/engine/public_suffix.h"
#include "module/io/event_loop.h"

namespace mtasts {
namespace {

// Destroyed in the opposite order: what uses the loop goes before it.
class EngineNetwork final : public Network {
 public:
  EngineNetwork(std::unique_ptr<EventLoop> loop, std::unique_ptr<Resolver> resolver, std::unique_ptr<Fetcher> fetcher,
                std::unique_ptr<MxProber> prober, std::unique_ptr<ServerQuestions> servers,
                std::unique_ptr<HostInspector> inspector)
      : loop_(std::move(loop)),
        resolver_(std::move(resolver)),
        fetcher_(std::move(fetcher)),
        prober_(std::move(prober)),
        servers_(std::move(servers)),
        inspector_(std::move(inspector)) {}

  EventLoop& loop() override { return *loop_; }
  Resolver& resolver() override { return *resolver_; }
  Fetcher& fetcher() override { return *fetcher_; }
  MxProber& prober() override { return *prober_; }
  ServerQuestions& servers() override { return *servers_; }
  HostInspector& inspector() override { return *inspector_; }

 private:
  std::unique_ptr<EventLoop> loop_;
  std::unique_ptr<Resolver> resolver_;
  std::unique_ptr<Fetcher> fetcher_;
  std::unique_ptr<MxProber> prober_;
  std::unique_ptr<ServerQuestions> servers_;
  std::unique_ptr<HostInspector> inspector_;
};

Result<std::unique_ptr<Network>> open(std::string_view abi, const NetworkConfig& config) {
  if (abi != kNetworkAbi)
    return fail(ErrorCode::kInternal, std::string("this engine library is \"") + kNetworkAbi + "\", wanted is \"" +
                                          escaped(abi) + "\": install both from one build");
  auto loop = make_event_loop();
  if (!loop) return tl::unexpected(loop.error());
  auto resolver = make_resolver(**loop, config.dns, registrable_domain);
  if (!resolver) return tl::unexpected(resolver.error());
  auto fetcher = make_fetcher(**loop, config.fetch, registrable_domain);
  if (!fetcher) return tl::unexpected(fetcher.error());
  auto prober = make_prober(**loop, config.probe, registrable_domain);
  if (!prober) return tl::unexpected(prober.error());
  auto servers = make_server_questions(**loop, config.servers);
  if (!servers) return tl::unexpected(servers.error());
  auto inspector = make_inspector(**loop, config.fetch, config.probe, registrable_domain);
  if (!inspector) return tl::unexpected(inspector.error());
  return std::make_unique<EngineNetwork>(std::move(*loop), std::move(*resolver), std::move(*fetcher),
                                         std::move(*prober), std::move(*servers), std::move(*inspector));
}

}  // namespace
}  // namespace mtasts

extern "C" __attribute__((visibility("default"))) mtasts::Network* mtasts_network_open(
    const char* abi, const mtasts::NetworkConfig& config, mtasts::Error* error) noexcept {
  auto network = mtasts::open(abi, config);
  if (network) return network->release();
  *error = std::move(network.error());
  return nullptr;
}
