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

// `OwnResolver` is made with the loop that it answers from.
template <typename OwnResolver, typename OwnProber = NoProber>
class TestNetwork final : public Network {
 public:
  EventLoop& loop() override { return *loop_; }
  Resolver& resolver() override { return resolver_; }
  Fetcher& fetcher() override { return fetcher_; }
  MxProber& prober() override { return prober_; }

 private:
  std::unique_ptr<EventLoop> loop_ = std::move(make_event_loop().value());
  OwnResolver resolver_{*loop_};
  NoFetcher fetcher_;
  OwnProber prober_;
};

}  // namespace mtasts
