#include "adapters/exim/host.h"

#include <utility>

#include "module/config/observe.h"
#include "module/io/wall_clock.h"
#include "module/store/delivery_events.h"

namespace mtasts {
namespace {

constexpr std::string_view kRoute = "mta_sts_route";

std::string_view arguments_of(std::string_view function) {
  return function == kRoute ? "{$domain}{$message_exim_id}" : "{$domain}";
}

std::string usage(std::string_view function, std::string_view arguments) {
  return std::string(function) + ": usage: ${dlfunc{.../mtasts.so}{" + std::string(function) + "}" +
         std::string(arguments) + "}";
}

}  // namespace

EximHost::EximHost(std::string config_path, MakeLog make_log)
    : config_path_(std::move(config_path)), make_log_(std::move(make_log)) {}

Result<Client*> EximHost::client() {
  if (!client_) {
    auto opened = Client::open(config_path_, make_log_());
    if (!opened) return tl::unexpected(opened.error());
    client_ = std::move(*opened);
    budget_.emplace(client_->config().deadline);
    reports_.emplace(client_->config(), client_->log(), ForeignReports::Life::kShort);
    if (reports_->is_on()) report_session_ = [this](const TlsSession& session) { reports_->report(session); };
  }
  return client_.get();
}

EximReply EximHost::answer(std::string_view function, EximWords words, const Reply& reply) {
  if (words.size() != 1) return {EximStatus::kError, usage(function, arguments_of(function))};
  const auto domain = read_domain(words);
  if (!domain) return {EximStatus::kError, std::string(function) + ": " + domain.error().detail};
  if (const Decision* known = answers_.fresh(*domain, std::chrono::steady_clock::now(), now())) return reply(*known);
  const auto opened = client();
  if (!opened) return {EximStatus::kError, std::string(function) + ": " + opened.error().detail};
  // The clock is read after the lookup: an answer that took long is fresh for as long as any other.
  Decision found = look_up(**opened, *domain);
  return reply(answers_.put(*domain, std::move(found), std::chrono::steady_clock::now()));
}

Decision EximHost::look_up(Client& client, std::string_view domain) {
  const auto deadline = budget_->begin(std::chrono::steady_clock::now());
  Decision decision = client.lookup_with_dane(domain, Lookup::Effort::kNormal, deadline);
  budget_->end(std::chrono::steady_clock::now());
  return client.config().exim.observe ? observed(client, std::move(decision)) : decision;
}

Decision EximHost::observed(Client& client, Decision decision) {
  if (client.store().throttle().is_due("observing-exim", std::chrono::hours(1)))
    warn_of_observing(client.log(), client.config(), {"exim"});
  if (decision.kind == Decision::Kind::kDefer)
    client.log().write(LogLevel::kInfo, LogLine(kObservedDefer)
                                            .field("domain", decision.domain)
                                            .text("reason", decision.reason)
                                            .text("effect", "none: observing only"));
  return only_observed(std::move(decision));
}

// What a delivery is about to meet, once a domain. By the time that there is a session it is known whether it is to be
// reported.
void EximHost::report_route(const Decision& decision, std::string_view message) {
  const auto domain = Domain::parse(decision.domain);
  if (!reports_->is_on() || !domain) return;
  if (decision.kind == Decision::Kind::kPolicy) {
    TlsSession session = sts_session(*domain, decision.body, decision.mx);
    session.dane_hosts = decision.dane_hosts;
    session.message = message;
    return reports_->prepare(session, decision.mode);
  }
  auto failure = decision.failure ? policy_failure(*domain, *decision.failure) : std::nullopt;
  if (decision.kind != Decision::Kind::kNoPolicy || !failure || failures_told_.find(domain->text()) != nullptr) return;
  failures_told_.put(domain->text(), true, SteadyTime::max());
  failure->message = message;
  reports_->report(*failure);
}

EximReply EximHost::route(EximWords words) {
  const bool names_message = words.size() == 2;
  const std::string_view message = names_message ? words[1] : std::string_view();
  if (!is_message_id(message)) return {EximStatus::kError, std::string(kRoute) + ": " + kNoMessageId};
  return answer(kRoute, names_message ? words.first(1) : words, [&](const Decision& decision) {
    if (!names_message || !message.empty()) report_route(decision, message);
    return route_reply(decision);
  });
}

EximReply EximHost::mode(EximWords words) { return answer("mta_sts_mode", words, mode_reply); }

EximReply EximHost::event(EximWords words) {
  if (words.size() != kEventWords) {
    return {EximStatus::kError,
            usage("mta_sts_event",
                  "{$event_name}{$event_data}{$domain}{$host}{$host_address}{$event_defer_errno}{mode=...}")};
  }
  const auto event = read_event(words);
  if (!event) return trouble("mta_sts_event: " + event.error().detail);
  const auto opened = client();
  if (!opened) return trouble(opened.error().detail);
  if (!watcher_) {
    watcher_.emplace([this](std::string_view domain) { return policy_behind(domain); }, (*opened)->log(),
                     &report_session_);
  }
  return {EximStatus::kOk, watcher_->on(*event, now())};
}

// What the message was routed by, in the process that this one was forked from.
Decision EximHost::policy_behind(std::string_view domain) {
  if (const Decision* answer = answers_.any(domain)) return *answer;
  return look_up(*client_, domain);
}

EximReply EximHost::trouble(const std::string& what) {
  make_log_()->write(LogLevel::kError, LogLine("exim-event-ignored").text("detail", what));
  return {};
}

}  // namespace mtasts
