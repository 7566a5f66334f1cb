// What mtastsd says to Exim's ${readsocket}, where there is no dlfunc: a line with a request, a line with its answer.
//
//   route "example.com" 4711 "1rXyz-..."    OK enforce|!^(?i)mx\.example\.com\.?$ ; *
//   mode "example.com"                      DEFER MTA-STS: the policy of example.com is being fetched
//   event "tls:cert" "0" "example.com" ...  OK the certificate has no DNS name in its subjectAltName (...)
//   ping                                    OK mtasts 0.3.0
//
// OK and the text that mta_sts_route, mta_sts_mode or mta_sts_event would have expanded to; DEFER where they would have
// failed for a time, ERROR for good, with a reason. An answer without its line end is none. A client may ask several
// times, and may close its side when it has asked. A number after the domain is that of the Exim process: its lookups
// have one deadline together. The ID of a message after it says for which delivery `route` asks, an empty one that it
// is for none; what there is to report (R32) is reported once for a message. Processes of several containers at one
// unix socket are told apart where this process sees them, which is where it runs in no container itself.
#pragma once

#include <string>

#include "adapters/exim/processes.h"
#include "adapters/exim/reply.h"
#include "module/io/log_throttle.h"
#include "module/io/short_memory.h"
#include "module/server/framing.h"
#include "module/server/protocol.h"

namespace mtasts {

extern const server::Framing kEximFraming;

// `log` must outlive the object. One thread.
class EximProtocol final : public server::Protocol {
 public:
  explicit EximProtocol(Log& log);
  EximProtocol(const EximProtocol&) = delete;
  EximProtocol& operator=(const EximProtocol&) = delete;

  // Where connections are reported from now on; may be empty.
  void report_to(EventWatcher::Report connections) { report_ = std::move(connections); }

  // Events are answered at once: the policy that they are judged by is the one that the message was routed by.
  Reading read(std::string_view payload, const server::PeerProcess& process, const Cached& cached) override;
  [[nodiscard]] server::Answer answer(const server::Question& question, const Decision& decision) const override;
  [[nodiscard]] std::string_view server(const server::Question& /*question*/) const override { return "exim"; }
  [[nodiscard]] server::Answer temporary(const std::string& reason) const override;
  std::chrono::milliseconds begin(const server::Question& question, std::chrono::milliseconds most) override;
  void ended(const server::Question& question) override;
  [[nodiscard]] bool is_ping(std::string_view payload) const override;
  [[nodiscard]] std::vector<server::Label> labels() const override;

 private:
  server::Answer event(EximWords words, const server::PeerProcess& process, const Cached& cached);
  server::Answer refuse(std::string_view map, const std::string& why);
  void keep(const server::Question& question, const Decision& decision) const;
  [[nodiscard]] Decision policy_behind(std::string_view domain) const;

  static constexpr std::size_t kMaxRouted = 100;
  static constexpr std::chrono::hours kRoutedFor{1};
  static constexpr std::size_t kMaxEventLines = 600;  // a minute: whoever may ask can cause them

  Log& log_;
  LogBudget event_lines_{kMaxEventLines};
  // The policies that messages were routed by, for where the store could not be written. A policy has up to 64 KiB.
  mutable ShortMemory<Decision> routed_{kMaxRouted};
  const Cached* cached_ = nullptr;  // while an event is read
  EventWatcher::Report report_;
  Processes processes_;
  LogThrottle refused_{std::chrono::minutes(1)};
};

}  // namespace mtasts
