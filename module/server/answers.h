// Answers requests: from memory, from the store, or by a lookup (docs/architecture.md, a lookup's way).
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "core/domain.h"
#include "module/config/config.h"
#include "module/engine/lookups.h"
#include "module/io/log_budget.h"
#include "module/server/memory.h"
#include "module/server/metrics.h"
#include "module/server/protocol.h"
#include "module/store/policy_store.h"
#include "module/tlsrpt/tlsrpt.h"

namespace mtasts::server {

// Everything passed to the constructor must outlive the object, and the object the lookups of the engine. One thread.
class Answers {
 public:
  struct Deps {
    Protocol& protocol;
    Lookups* lookups;  // nullptr: no lookup can be made, and ask() must not be called
    FileStore& store;
    Log& log;
    Metrics& metrics;
    std::function<WallTime()> clock;
    TlsReports* reports = nullptr;  // nullptr: nothing is reported
    bool reports_unlisted = false;  // also MX hosts that an enforced policy does not list
    bool observe = false;           // nothing is enforced
    // Called, when observing, for each request whose answer would have demanded something of the MX hosts.
    std::function<void(const Question&, const Decision&)> would_enforce{};
  };

  Answers(Deps deps, const Config& config)
      : deps_(std::move(deps)),
        config_(config),
        cached_([this](const Domain& domain) { return cached(domain); }),
        memory_(kMemory) {}
  Answers(const Answers&) = delete;
  Answers& operator=(const Answers&) = delete;

  using Done = std::function<void(const std::string& frame)>;

  // One of the two.
  struct Found {
    const std::string* frame;          // that answers the request, where that is cached; valid until the next call
    std::optional<Question> question;  // it takes a lookup
  };
  Found find(std::string_view request, const PeerProcess& process);
  // Looks up. `done` is called exactly once, never from inside this call, at the latest when `wait` has passed since
  // `asked`.
  void ask(const Question& question, SteadyTime asked, std::chrono::milliseconds wait, Done done);
  // The frame for a request for whose lookup there is no room: a policy that is in force is applied, what needs the
  // network is deferred for this reason.
  std::string without_lookup(const Question& question, const std::string& reason);
  // The frame for a request of `asked` whose lookup waits for its turn; nullopt: no policy is in force that would do.
  // The lookup is begun behind it, unless kMaxBehind of these have no answer yet.
  std::optional<std::string> before_lookup(const Question& question, SteadyTime asked);
  [[nodiscard]] std::chrono::milliseconds deadline() const { return config_.deadline; }

 private:
  static constexpr std::size_t kMemory = 8U << 20U;  // octets
  static constexpr std::size_t kMaxBehind = 20;
  static constexpr std::size_t kMaxDeferrals = 600;  // and as many lines that DANE decides

  [[nodiscard]] std::optional<Decision> cached(const Domain& domain);
  // What is cached, whether or not that is enough; nullopt: nothing. What cannot be read was not tried.
  [[nodiscard]] std::optional<Outcome> cached_only(const Domain& domain);
  Answer answer(const Question& question, const Decision& decision);
  void look_up_behind(const Domain& domain);
  // The same, and a line where the mail waits or DANE decides. Refusals for want of room have a line for all of them
  // (requests.h).
  Answer told_answer(const Question& question, const Decision& decision);
  void report(const Question& question, const Decision& decision) const;
  Answer observed(const Question& question, const Decision& decision, const Answer& enforced);
  // At most kMaxDeferrals a minute: whoever may ask can cause them.
  void log_deferral(std::string_view event, const Question& question, const Decision& decision,
                    std::string_view effect);
  // What find() returns: cached for `good_for`, or for this once.
  const std::string* keep(std::string_view request, Answer answer, std::chrono::seconds good_for);
  [[nodiscard]] std::chrono::seconds good_for(const Question& question, const Outcome& outcome) const;

  Deps deps_;
  const Config& config_;
  const Protocol::Cached cached_;
  Memory memory_;
  LogBudget deferrals_{kMaxDeferrals};
  LogBudget dane_decides_{kMaxDeferrals};
  std::set<std::string> behind_;  // domains
  std::string once_;              // the last frame that memory_ does not have
};

}  // namespace mtasts::server
