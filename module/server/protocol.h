// What the clients of one kind ask and are answered: an adapter's own words. How requests come and go, what is cached
// and when a lookup is made is the same for all.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/decision.h"
#include "core/domain.h"
#include "module/server/peer.h"

namespace mtasts::server {

// Words of closed lists, for metrics: what was asked for and what was answered. Both live as long as the program.
struct Label {
  std::string_view map;
  std::string_view answer;
  auto operator<=>(const Label&) const = default;
};

struct Answer {
  std::optional<Label> label;  // nullopt: not counted
  std::string frame;           // as it goes over the wire
  bool is_deferral = false;    // the mail waits
  bool is_by_dane = false;     // it leaves the hosts to DANE, which goes before the policy (R29)
};

// A request for what is known of a domain.
struct Question {
  std::string payload;  // as it came
  std::size_t map = 0;  // the protocol's own number of what is asked for
  Domain domain;
  std::string process{};    // who asks, where the protocol tells processes apart
  std::string message{};    // the ID of what it delivers, where the protocol tells it
  bool is_delivery = true;  // mail goes by the answer; else somebody only wants to know
};

class Protocol {
 public:
  // One of the two.
  struct Reading {
    std::optional<Answer> answer{};      // it does not depend on a policy, or not on one that is not cached
    std::optional<Question> question{};  // the answer is for the decision about its domain
  };
  // What the store has of a domain now, nullopt where that is nothing; no lookup is made. kDefer: it cannot be read.
  using Cached = std::function<std::optional<Decision>(const Domain&)>;

  virtual ~Protocol() = default;
  virtual Reading read(std::string_view payload, const PeerProcess& process, const Cached& cached) = 0;
  [[nodiscard]] virtual Answer answer(const Question& question, const Decision& decision) const = 0;
  // Who asks, for people: "postfix", "sendmail" or "exim".
  [[nodiscard]] virtual std::string_view server(const Question& question) const = 0;
  // "Try again later", whatever was asked.
  [[nodiscard]] virtual Answer temporary(const std::string& reason) const = 0;
  // How long its lookup may wait, at most `most`. ended() is called when it waits no longer.
  virtual std::chrono::milliseconds begin(const Question& /*question*/, std::chrono::milliseconds most) { return most; }
  virtual void ended(const Question& /*question*/) {}
  // It asks whether the server is in service, and no policy.
  [[nodiscard]] virtual bool is_ping(std::string_view payload) const = 0;
  // Every label that answers can have.
  [[nodiscard]] virtual std::vector<Label> labels() const = 0;
};

}  // namespace mtasts::server
