#include "module/server/requests.h"

#include <utility>

namespace mtasts::server {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

namespace {

// How long a request waits for its turn where a policy is in force.
constexpr milliseconds kTurnPatience{500};

}  // namespace

struct Requests::Waiting final : Pending {
  Waiting(const Deps& deps, Question asked_for, Done when_done, milliseconds most)
      : metrics(deps.metrics),
        protocol(deps.protocol),
        question(std::move(asked_for)),
        done(std::move(when_done)),
        wait(protocol.begin(question, most)) {
    metrics.waiting(1);
  }
  Waiting(const Waiting&) = delete;
  Waiting& operator=(const Waiting&) = delete;
  ~Waiting() override {
    metrics.waiting(-1);
    protocol.ended(question);
  }
  void client_may_be_gone() override { ticket->release(); }

  Metrics& metrics;
  Protocol& protocol;
  Question question;
  Done done;
  milliseconds wait;
  SteadyTime asked = steady_clock::now();
  std::unique_ptr<EventLoop::Watch> timer;  // both until the lookup begins, which has its own
  std::unique_ptr<EventLoop::Watch> early;
  std::unique_ptr<Admission::Ticket> ticket;
  std::shared_ptr<Waiting*> self = std::make_shared<Waiting*>(this);
};

void Requests::serve(Answers& answers) {
  answers_ = &answers;
  reason_.clear();
}

void Requests::refuse_all(const std::string& reason, Answers* cached) {
  answers_ = cached;
  reason_ = reason;
  refusal_frame_ = deps_.protocol.temporary(reason_).frame;
}

RequestHandler::Handled Requests::handle(std::string_view request, const PeerProcess& process, Done done) {
  if (!reason_.empty()) return handle_out_of_service(request, process);
  auto found = answers_->find(request, process);
  if (found.frame != nullptr) return {.frame = found.frame};
  auto waiting = std::make_unique<Waiting>(deps_, std::move(*found.question), std::move(done), answers_->deadline());
  Waiting& one = *waiting;
  one.timer = deps_.loop.after(one.wait, [this, &one] { expire(one); });
  if (kTurnPatience < one.wait)
    one.early = deps_.loop.after(kTurnPatience, [this, &one] { answer_before_lookup(one); });
  one.ticket = deps_.admission.enter(process.peer, [this, &one](Admission::Slot slot) { begin(one, std::move(slot)); });
  if (!one.ticket) return refuse(one.question, process.peer);
  return {.pending = std::move(waiting)};
}

// A ping is told that not all is well.
RequestHandler::Handled Requests::handle_out_of_service(std::string_view request, const PeerProcess& process) {
  if (answers_ == nullptr || deps_.protocol.is_ping(request)) return {.frame = &refusal_frame_};
  const auto found = answers_->find(request, process);
  return found.frame != nullptr ? Handled{.frame = found.frame} : without_lookup(*found.question, reason_);
}

RequestHandler::Handled Requests::without_lookup(const Question& question, const std::string& reason) {
  frame_ = answers_->without_lookup(question, reason);
  return {.frame = &frame_};
}

void Requests::begin(Waiting& waiting, Admission::Slot slot) {
  waiting.timer.reset();
  waiting.early.reset();
  answers_->ask(waiting.question, waiting.asked, waiting.wait,
                [weak = std::weak_ptr(waiting.self), slot = std::move(slot)](const std::string& frame) {
                  const auto self = weak.lock();
                  if (!self) return;  // given up meanwhile
                  const Done done = std::move((*self)->done);
                  done(frame);
                });
}

// What a stranger can fill is not what a policy in force waits for.
void Requests::answer_before_lookup(Waiting& waiting) {
  const auto frame = answers_->before_lookup(waiting.question, waiting.asked);
  if (!frame) return;
  const Done done = std::move(waiting.done);
  done(*frame);
}

void Requests::expire(Waiting& waiting) {
  const std::string frame = answers_->without_lookup(
      waiting.question, "too many lookups run; the one for this request has not begun in time");
  const Done done = std::move(waiting.done);
  done(frame);
}

RequestHandler::Handled Requests::refuse(const Question& question, const Peer& peer) {
  deps_.metrics.refused_lookup();
  if (refused_.is_due()) {
    deps_.log.write(LogLevel::kWarning,
                    LogLine("lookups-refused")
                        .text("peer", describe(peer))
                        .field("waiting", deps_.admission.waiting_of(peer))
                        .text("effect",
                              "its requests for domains that are not cached are refused, and a mail server defers the "
                              "mail; cached answers and other peers are not affected")
                        .text("action",
                              "find out why it asks for so many domains at once; if it is your mail server, raise "
                              "socketmap.max_connections"));
  }
  return without_lookup(question, "too many requests of " + peer + " wait for a lookup");
}

void Requests::complain(std::string_view why, std::string_view beginning) {
  deps_.metrics.malformed();
  deps_.log.write(complained_.is_due() ? LogLevel::kWarning : LogLevel::kDebug,
                  LogLine("client-dropped").text("reason", why).text("bytes", escaped(beginning, 60)));
}

}  // namespace mtasts::server
