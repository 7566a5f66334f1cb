#include "adapters/socketmap/answers.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "core/lookup.h"
#include "module/io/netstring.h"
#include "module/ping.h"

namespace mtasts::socketmap {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;

// How long an answer is repeated without a look into the store.
constexpr seconds kRepeated{5};

// A lookup that begins later than this after its request had to wait for others (requests.h).
constexpr seconds kAtOnce{1};

// The resolver was not given the time that it may take (dns/resolver.h): that it has not answered yet is no failure of
// DNS but our own want of room.
Outcome of_one_begun_late(Outcome outcome) {
  if (outcome.progress != Outcome::Progress::kRecordPending) return outcome;
  outcome.progress = Outcome::Progress::kNotTried;
  outcome.fault = {ErrorCode::kNotTried, "too many lookups run; the one for " + outcome.entry.domain.text() +
                                             " began too late to be finished in time"};
  return outcome;
}

Remembered no_key() {
  return {Map::kPostfix, Verdict::kPermanent, encode_netstring("PERM the request is not \"<map> <domain>\"")};
}

}  // namespace

Answers::Found Answers::find(std::string_view payload) {
  if (const Remembered* found = memory_.find(payload, steady_clock::now())) {
    deps_.metrics.from_memory();
    deps_.metrics.answered_at_once(found->map, found->verdict);
    return {&found->frame, {}};
  }
  if (payload == kPingRequest) return {&(once_ = encode_netstring(kPingAnswer)), {}};
  const auto request = Request::parse(payload);
  if (!request) return {keep(payload, no_key(), seconds(0)), {}};
  // What is no domain is the business of the MTA, which will find that out by itself.
  const auto domain = is_parent_key(request->key) ? std::optional<Domain>{}
                                                  : policy_domain(request->key).value_or(std::optional<Domain>{});
  if (!domain)
    return {keep(payload, answer(request->map, no_policy("a key without a policy domain"), payload), kRepeated), {}};
  const Time now = deps_.clock();
  auto cached = deps_.store.use(*domain);
  if (!cached) return {keep(payload, answer(request->map, defer(*domain, cached.error()), payload), seconds(0)), {}};
  const auto outcome = Lookup(*domain, std::move(*cached), Lookup::Effort::kNormal, config_.lookup).start(now).answer;
  if (!outcome) return {nullptr, Question{std::string(payload), request->map, *domain}};
  deps_.metrics.from_store();
  return {keep(payload, answer(request->map, decide(*outcome, config_.decision, now), payload), good_for(*outcome)),
          {}};
}

void Answers::ask(const Question& question, SteadyTime asked, Done done) {
  const auto waited = steady_clock::now() - asked;
  const auto left = std::chrono::ceil<milliseconds>(config_.deadline - waited);
  deps_.lookups->lookup(
      question.domain, Lookup::Effort::kNormal, std::max(left, milliseconds(0)),
      [this, question, done = std::move(done), asked, is_late = waited > kAtOnce](const Outcome& found) {
        const Outcome outcome = is_late ? of_one_begun_late(found) : found;
        Remembered given = answer(question.map, decide(outcome, config_.decision, deps_.clock()), question.payload);
        deps_.metrics.looked_up(outcome);
        deps_.metrics.answered(given.map, given.verdict, steady_clock::now() - asked);
        done(given.frame);
        if (const seconds time = good_for(outcome); time > seconds(0))
          memory_.put(question.payload, std::move(given), steady_clock::now() + time);
      });
}

std::string Answers::without_lookup(const Question& question, const std::string& reason) {
  const Domain& domain = question.domain;
  Outcome outcome =
      Lookup(domain, deps_.store.use(domain).value_or(std::nullopt), Lookup::Effort::kNormal, config_.lookup).so_far();
  outcome.progress = Outcome::Progress::kNotAsked;
  DecisionRules rules = config_.decision;
  rules.on_deadline = WhenUnknown::kDefer;
  Decision decision = decide(outcome, rules, deps_.clock());
  if (decision.kind == Decision::Kind::kDefer) decision.reason = reason;
  Remembered given = answer(question.map, decision, question.payload);
  deps_.metrics.answered_at_once(given.map, given.verdict);
  return std::move(given.frame);
}

Remembered Answers::answer(Map map, const Decision& decision, std::string_view payload) const {
  const Reply reply = reply_for(map, decision, config_.socketmap.dane_answer);
  if (deps_.log.writes(LogLevel::kDebug)) {
    deps_.log.write(LogLevel::kDebug, "event=answer request=" + log_quoted(escaped(payload)) + " answer=" +
                                          log_quoted(escaped(reply.text)) + " reason=" + log_quoted(decision.reason));
  }
  return {map, reply.verdict, encode_netstring(reply.text)};
}

const std::string* Answers::keep(std::string_view payload, Remembered remembered, seconds good_for) {
  deps_.metrics.answered_at_once(remembered.map, remembered.verdict);
  once_ = remembered.frame;
  if (good_for > seconds(0)) memory_.put(payload, std::move(remembered), steady_clock::now() + good_for);
  return &once_;
}

// A second less than it is good for, because our clock has whole seconds: an expired policy is never applied (R22).
seconds Answers::good_for(const Outcome& outcome) const {
  const Time now = deps_.clock();
  if (outcome.progress != Outcome::Progress::kSettled || outcome.entry.record.until <= now) return seconds(0);
  const auto change = next_change(outcome.entry, now);
  return change ? std::min(kRepeated, *change - now - seconds(1)) : kRepeated;
}

}  // namespace mtasts::socketmap
