// Lookups, DNS questions and trials of MX hosts by a helper, for a process with an event loop. What a stranger makes
// the helper do, however long it takes, this process never waits for: it goes on answering what is cached.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "core/inspection.h"
#include "core/ports.h"
#include "core/time.h"
#include "module/config/config.h"
#include "module/engine/lookups.h"
#include "module/helper/frames.h"
#include "module/io/descriptor.h"
#include "module/io/log.h"
#include "module/io/log_throttle.h"
#include "module/store/policy_store.h"

namespace mtasts {

// Everything passed to open() must outlive the object. One thread. Destroying it drops what is under way without
// calling back; not allowed from inside a callback. A helper that ends is replaced, at most one a second, and not
// within a second after one that did not start in time: the loop stands still for as long as a start takes. What it had
// to do ends with kLocalFault, lookups with what is cached.
class HelperClient final : public Lookups {
 public:
  struct Deps {
    EventLoop& loop;
    PolicyStore& store;
    Log& log;
    LogTarget log_target;  // of the helper
  };

  // Waits until the first helper is ready. Error kLocalFault, or what the helper says is missing.
  static Result<std::unique_ptr<HelperClient>> open(const Config& config, Deps deps);
  ~HelperClient() override;

  void lookup(const Domain& domain, Lookup::Effort effort, std::chrono::milliseconds deadline, Answer answer) override;
  Resolver& resolver() { return *resolver_; }
  MxProber& prober() { return *prober_; }
  ServerQuestions& servers() { return *servers_; }
  HostInspector& inspector() { return *inspector_; }

  [[nodiscard]] bool is_idle() const { return pending_.empty(); }
  // Called each time that nothing is asked for any more.
  void on_idle(std::function<void()> idle) { idle_ = std::move(idle); }

 private:
  using Reply = std::function<void(const Result<Fields>&)>;
  class RemoteResolver;
  class RemoteProber;
  class RemoteServers;
  class RemoteInspector;
  struct Pending {
    Reply reply;
    std::unique_ptr<EventLoop::Watch> timer;
  };

  HelperClient(Config config, Deps deps);

  // `reply` is called once, never from inside this call, at the latest after `time`.
  void ask(Fields request, std::chrono::milliseconds time, Reply reply);
  // For a DNS question or a trial: more than either can take, its turn included.
  [[nodiscard]] std::chrono::milliseconds question_time() const;
  // For what an audit looks at: nobody's mail waits for it.
  [[nodiscard]] std::chrono::milliseconds inspection_time() const;
  [[nodiscard]] Result<void> start(std::chrono::milliseconds most);
  [[nodiscard]] Result<void> wait_until_ready();
  void fail_later(std::uint64_t id, const Error& error);
  void receive();
  void take_frames();
  void on_reply(std::uint64_t id, const Result<Fields>& fields);
  void send();
  void on_late(std::uint64_t id);
  void lost(const Error& error);
  [[nodiscard]] Outcome cached_outcome(const Domain& domain, const Error& error);

  Config config_;
  Deps deps_;
  std::unique_ptr<Resolver> resolver_;
  std::unique_ptr<MxProber> prober_;
  std::unique_ptr<ServerQuestions> servers_;
  std::unique_ptr<HostInspector> inspector_;
  std::function<void()> idle_;
  Descriptor socket_;
  FrameReader reader_;
  std::string out_;
  SteadyTime started_{};  // also when that failed
  Error fault_;           // of the last helper; why there is none
  SteadyTime last_heard_{};
  std::uint64_t last_id_ = 0;
  LogThrottle told_{std::chrono::minutes(1)};
  std::map<std::uint64_t, Pending> pending_;
  std::unique_ptr<EventLoop::Watch> readable_;
  std::unique_ptr<EventLoop::Watch> writable_;
};

}  // namespace mtasts
