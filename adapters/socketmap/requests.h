// The requests of all connections: answered at once, by a lookup when its turn has come, or refused.
#pragma once

#include "adapters/socketmap/admission.h"
#include "adapters/socketmap/answers.h"
#include "adapters/socketmap/request_handler.h"
#include "module/io/log_throttle.h"

namespace mtasts::socketmap {

// Must outlive the connections, and the lookups of every Answers that it was given. One thread.
class Requests final : public RequestHandler {
 public:
  struct Deps {
    EventLoop& loop;
    Metrics& metrics;
    Log& log;
  };

  explicit Requests(Deps deps) : deps_(deps), admission_(deps.loop, {0, 0}) {}

  // Until one of these is called again. In service:
  void serve(Answers& answers, Admission::Limits limits);
  // Out of service: answers of `cached` (nullptr: none) are given, everything else gets TEMP with this reason.
  void refuse_all(const std::string& reason, Answers* cached);

  Handled handle(std::string_view request, const Peer& peer, Done done) override;
  void complain(std::string_view why, std::string_view beginning) override;

 private:
  struct Waiting;

  Handled handle_out_of_service(std::string_view request);
  Handled without_lookup(const Question& question, const std::string& reason);
  void begin(Waiting& waiting, Admission::Slot slot);
  void expire(Waiting& waiting);
  Handled refuse(const Question& question, const Peer& peer);

  Deps deps_;
  Admission admission_;
  Answers* answers_ = nullptr;
  std::string reason_;         // why it is out of service; "": it is not
  std::string refusal_frame_;  // that says so
  std::string frame_;          // the last one that was made for a request that gets no lookup
  LogThrottle complained_{std::chrono::minutes(1)};
  LogThrottle refused_{std::chrono::hours(1)};
};

}  // namespace mtasts::socketmap
