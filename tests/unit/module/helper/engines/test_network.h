// What the engine libraries of the tests have alike: a network that fetches nothing, around a resolver of their own.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "module/engine/network.h"
#include "module/io/event_loop.h"

namespace mtasts {

class NoFetcher final : public Fetcher {
  void fetch(const Domain& /*domain*/, const std::vector<std::string>& /*addresses*/, Priority /*priority*/,
             Callback /*done*/) override {}
};

class NoProber final : public MxProber {
  void probe(const std::string& /*host*/, const std::vector<std::string>& /*addresses*/, Sni /*sni*/,
             Callback /*done*/) override {}
};

class NoServers final : public ServerQuestions {
  void ask(const std::string& /*address*/, const std::string& /*name*/, Type /*type*/, Callback /*done*/) override {}
};

class NoInspector final : public HostInspector {
  void policy_host(const Domain& /*domain*/, const std::string& /*address*/, PolicyHostDone /*done*/) override {}
  void mx_host(const Domain& /*host*/, const std::string& /*address*/, const std::vector<TlsaRecord>& /*tlsa*/,
               MxHostDone /*done*/) override {}
};

// `OwnResolver` is made with the loop that it answers from.
template <typename OwnResolver, typename OwnProber = NoProber, typename OwnServers = NoServers,
          typename OwnInspector = NoInspector>
class TestNetwork final : public Network {
 public:
  EventLoop& loop() override { return *loop_; }
  Resolver& resolver() override { return resolver_; }
  Fetcher& fetcher() override { return fetcher_; }
  MxProber& prober() override { return prober_; }
  ServerQuestions& servers() override { return servers_; }
  HostInspector& inspector() override { return inspector_; }

 private:
  std::unique_ptr<EventLoop> loop_ = std::move(make_event_loop().value());
  OwnResolver resolver_{*loop_};
  NoFetcher fetcher_;
  OwnProber prober_;
  OwnServers servers_;
  OwnInspector inspector_;
};

}  // namespace mtasts
