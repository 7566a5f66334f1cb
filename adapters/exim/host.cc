#include "adapters/exim/host.h"

#include <utility>

#include "adapters/exim/route.h"
#include "module/io/wall_clock.h"

namespace mtasts {
namespace {

constexpr std::size_t kEventWords = 7;

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
  }
  return client_.get();
}

std::optional<EximReply> EximHost::decide(std::string_view function, Words words, const Decision*& decision) {
  if (words.size() != 1) return EximReply{EximStatus::kError, usage(function, "{$domain}")};
  if (words[0].empty()) {
    return EximReply{EximStatus::kError, std::string(function) +
                                             ": the domain is empty; $domain has no value where there are several "
                                             "recipients (a transport with multi_domain, a system filter)"};
  }
  decision = answers_.fresh(words[0], AnswerMemory::Clock::now());
  if (decision == nullptr) {
    const auto opened = client();
    if (!opened) return EximReply{EximStatus::kError, std::string(function) + ": " + opened.error().detail};
    // The clock is read after the lookup: an answer that took long is fresh for as long as any other.
    Decision answer = look_up(**opened, words[0]);
    decision = &answers_.remember(words[0], std::move(answer), AnswerMemory::Clock::now());
  }
  if (decision->kind != Decision::Kind::kDefer) return std::nullopt;
  return EximReply{EximStatus::kFail, "MTA-STS: " + decision->reason};
}

Decision EximHost::look_up(Client& client, std::string_view domain) {
  const auto deadline = budget_->begin(WaitBudget::Clock::now());
  Decision decision = client.lookup_with_dane(domain, Lookup::Effort::kNormal, deadline);
  budget_->end(WaitBudget::Clock::now());
  return decision;
}

// Where DANE could not be found out, hosts that the policy does not name stay away; the others Exim asks DANE about by
// itself, and waits where that fails.
EximReply EximHost::route(Words words) {
  const Decision* decision = nullptr;
  if (auto refused = decide("mta_sts_route", words, decision)) return *refused;
  auto text = route_text(*decision);
  if (!text) return {EximStatus::kError, "mta_sts_route: " + text.error().detail};
  return {EximStatus::kOk, std::move(*text)};
}

EximReply EximHost::mode(Words words) {
  const Decision* decision = nullptr;
  if (auto refused = decide("mta_sts_mode", words, decision)) return *refused;
  if (must_defer_for_dane(*decision)) return {EximStatus::kFail, "MTA-STS: " + decision->dane_reason};
  return {EximStatus::kOk, mode_text(*decision)};
}

EximReply EximHost::event(Words words) {
  if (words.size() != kEventWords) {
    return {EximStatus::kError,
            usage("mta_sts_event",
                  "{$event_name}{$event_data}{$domain}{$host}{$host_address}{$event_defer_errno}{mode=...}")};
  }
  auto session = SessionFacts::read(words[6]);
  if (!session) return trouble("mta_sts_event: " + session.error().detail);
  const auto opened = client();
  if (!opened) return trouble(opened.error().detail);
  if (!watcher_) {
    watcher_.emplace([this](std::string_view domain) { return policy_behind(domain); }, (*opened)->log());
  }
  return {EximStatus::kOk,
          watcher_->on({words[0], words[1], words[2], words[3], words[4], words[5], std::move(*session)}, now())};
}

// What the message was routed by, in the process that this one was forked from.
Decision EximHost::policy_behind(std::string_view domain) {
  if (const Decision* answer = answers_.any(domain)) return *answer;
  return look_up(*client_, domain);
}

EximReply EximHost::trouble(const std::string& what) {
  make_log_()->write(LogLevel::kError, "event=exim-event-ignored detail=" + log_quoted(what));
  return {};
}

}  // namespace mtasts
