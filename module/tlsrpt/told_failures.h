// Which failures were told of which messages (TlsSession::message), shared by all processes that use a store: Exim
// routes a message once for each pass over its queue, in a process of its own.
#pragma once

#include <string>

#include "core/time.h"
#include "module/tlsrpt/session.h"

namespace mtasts {

// In slots (slots.h), two for each failure, which it shares with others: one that loses its place is told again.
class ToldFailures {
 public:
  // An MX host that nobody connects to: for as long as a message is in any queue.
  static constexpr std::chrono::hours kHost{24 * 7};
  // A policy that could not be had is told for each attempt; both passes of a two-stage queue run are one, and the
  // first retry of Exim's own rules comes after 15 minutes.
  static constexpr std::chrono::minutes kPolicy{10};

  // `directory`: of the store.
  explicit ToldFailures(std::string directory) : directory_(std::move(directory)) {}

  // And from now on it is. False where the store cannot tell.
  [[nodiscard]] bool is_told(const TlsSession& failure, WallTime now) const;
  // It could not be told after all.
  void forget(const TlsSession& failure) const;

  // What is told of it once: its message, domain, host and result.
  [[nodiscard]] static std::string name_of(const TlsSession& failure);
  [[nodiscard]] static std::chrono::seconds time_of(const TlsSession& failure);

 private:
  std::string directory_;
};

}  // namespace mtasts
