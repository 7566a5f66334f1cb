// The requests of all connections of one protocol: answered at once, by a lookup when its turn has come, or refused.
#pragma once

#include "module/io/log_throttle.h"
#include "module/server/admission.h"
#include "module/server/answers.h"
#include "module/server/request_handler.h"

namespace mtasts::server {

// Must outlive the connections, and the lookups of every Answers that it was given. One thread.
class Requests final : public RequestHandler {
 public:
  struct Deps {
    EventLoop& loop;
    Protocol& protocol;
    Admission& admission;  // shared with the requests of other protocols
    Metrics& metrics;
    Log& log;
  };

  explicit Requests(Deps deps) : deps_(deps) { deps.metrics.expect(deps.protocol.labels()); }

  // Until one of these is called again. In service:
  void serve(Answers& answers);
  // Out of service: answers of `cached` (nullptr: none) are given, everything else is deferred for this reason.
  void refuse_all(const std::string& reason, Answers* cached);

  Handled handle(std::string_view request, const PeerProcess& process, Done done) override;
  void complain(std::string_view why, std::string_view beginning) override;

 private:
  struct Waiting;

  Handled handle_out_of_service(std::string_view request, const PeerProcess& process);
  Handled without_lookup(const Question& question, const std::string& reason);
  void begin(Waiting& waiting, Admission::Slot slot);
  void answer_before_lookup(Waiting& waiting);
  void expire(Waiting& waiting);
  Handled refuse(const Question& question, const Peer& peer);

  Deps deps_;
  Answers* answers_ = nullptr;
  std::string reason_;         // why it is out of service; "": it is not
  std::string refusal_frame_;  // that says so
  std::string frame_;          // the last one that was made for a request that gets no lookup
  LogThrottle complained_{std::chrono::minutes(1)};
  LogThrottle refused_{std::chrono::hours(1)};
};

}  // namespace mtasts::server
