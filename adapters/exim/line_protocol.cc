#include "adapters/exim/line_protocol.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "adapters/exim/request_line.h"
#include "adapters/exim/route.h"
#include "module/io/wall_clock.h"
#include "module/ping.h"

namespace mtasts {
namespace {

using server::Answer;
using server::Cut;
using server::Label;
using server::Question;

constexpr std::string_view kRoute = "exim-route";
constexpr std::string_view kMode = "exim-mode";
constexpr std::string_view kEvent = "exim-event";
constexpr std::string_view kUnknown = "exim-unknown";
enum Map : std::size_t { kMapRoute, kMapMode };

Cut cut(std::string_view bytes) {
  const std::size_t end = bytes.substr(0, kMaxRequestLine).find('\n');
  if (end != std::string_view::npos) return {Cut::Kind::kComplete, bytes.substr(0, end), end + 1};
  return {bytes.size() < kMaxRequestLine ? Cut::Kind::kIncomplete : Cut::Kind::kMalformed};
}

// One line, whatever the text is.
std::string line(EximStatus status, const std::string& text) {
  constexpr std::size_t kMaxReason = 500;
  if (status == EximStatus::kOk) return "OK " + text + "\n";
  return (status == EximStatus::kFail ? "DEFER " : "ERROR ") + escaped(text, kMaxReason) + "\n";
}

// The key of a process (processes.h). `stated` is the number that it has in its own container; a process of another
// container may have the same. The number that the system tells is unique on this machine.
std::string name_of(const server::PeerProcess& process, const std::string& stated) {
  const std::string number = process.number != 0 ? std::to_string(process.number) + '/' : "";
  return process.peer + ' ' + number + stated;
}

std::string_view mode_label(const Decision& decision) {
  return mode_name(decision.kind == Decision::Kind::kPolicy ? decision.mode : Mode::kNone);
}

std::string_view label_of(EximStatus status, std::string_view answered) {
  if (status == EximStatus::kOk) return answered;
  return status == EximStatus::kFail ? "defer" : "error";
}

}  // namespace

const server::Framing kEximFraming{.cut = cut,
                                   .complaint = "what it sent is no line, or a longer one than a request may be",
                                   .farewell = "ERROR the line is too long or has no end\n",
                                   .clients_stop_sending = true};

EximProtocol::EximProtocol(Log& log)
    : log_(log),
      processes_([this](std::string_view domain) { return policy_behind(domain); }, log, &report_, &event_lines_) {}

EximProtocol::Reading EximProtocol::read(std::string_view payload, const server::PeerProcess& process,
                                         const Cached& cached) {
  if (is_ping(payload)) return {.answer = Answer{std::nullopt, std::string(kPingAnswer) + '\n'}};
  const auto parsed = parse_request_line(payload);
  if (!parsed) return {.answer = refuse(kUnknown, parsed.error().detail)};
  std::vector<std::string_view> words(parsed->begin() + 1, parsed->end());
  const std::string_view request = parsed->front();
  if (request == "event") return {.answer = event(words, process, cached)};
  if (request != "route" && request != "mode")
    return {.answer = refuse(kUnknown, "unknown request; known: route, mode, event, ping")};
  const bool is_route = request == "route";
  std::string message;
  const bool names_message = is_route && words.size() == 3;
  if (names_message) {
    message = words.back();
    if (!is_message_id(message))
      return {.answer = refuse(kRoute, "after the process the message's ID is wanted, $message_exim_id")};
    words.pop_back();
  }
  std::string name;
  if (words.size() == 2 && is_process_number(words[1])) {
    name = name_of(process, std::string(words[1]));
    words.pop_back();
  }
  const auto domain = read_domain(words);
  if (!domain) return {.answer = refuse(is_route ? kRoute : kMode, domain.error().detail)};
  auto found = policy_domain(*domain).value_or(std::optional<Domain>{});
  if (!found) {
    const EximStatus status = EximStatus::kOk;
    return {.answer = is_route ? Answer{Label{kRoute, "none"}, line(status, "")}
                               : Answer{Label{kMode, "none"}, line(status, "none")}};
  }
  const bool is_delivery = is_route && (!names_message || !message.empty());
  return {.question = Question{std::string(payload), is_route ? kMapRoute : kMapMode, std::move(*found),
                               std::move(name), std::move(message), is_delivery}};
}

bool EximProtocol::is_ping(std::string_view payload) const { return payload == kEximPingRequest; }

Answer EximProtocol::answer(const Question& question, const Decision& decision) const {
  if (question.map == kMapRoute) {
    keep(question, decision);
    const EximReply reply = route_reply(decision);
    return {Label{kRoute, label_of(reply.status, mode_label(decision))}, line(reply.status, reply.text),
            reply.status == EximStatus::kFail};
  }
  const EximReply reply = mode_reply(decision);
  const std::string_view mode = reply.text == "dane" ? "dane" : mode_label(decision);
  return {Label{kMode, label_of(reply.status, mode)}, line(reply.status, reply.text),
          reply.status == EximStatus::kFail};
}

Answer EximProtocol::event(EximWords words, const server::PeerProcess& process, const Cached& cached) {
  const auto event = read_event(words);
  if (!event) return refuse(kEvent, event.error().detail);
  cached_ = &cached;
  EventWatcher& watcher =
      processes_.watcher(name_of(process, event->session.process), std::chrono::steady_clock::now());
  const std::string veto = watcher.on(*event, now());
  cached_ = nullptr;
  return {Label{kEvent, veto.empty() ? "accepted" : "veto"}, line(EximStatus::kOk, veto)};
}

std::chrono::milliseconds EximProtocol::begin(const Question& question, std::chrono::milliseconds most) {
  if (question.process.empty()) return most;
  return std::min(most, processes_.begin_lookup(question.process, most, std::chrono::steady_clock::now()));
}

void EximProtocol::ended(const Question& question) {
  if (!question.process.empty()) processes_.end_lookup(question.process, std::chrono::steady_clock::now());
}

// Some process of Exim has another configuration than we have words for: that does not pass by itself.
Answer EximProtocol::refuse(std::string_view map, const std::string& why) {
  log_.write(refused_.is_due() ? LogLevel::kWarning : LogLevel::kDebug,
             LogLine("exim-request-refused")
                 .field("request", map)
                 .text("detail", why)
                 .text("action", "compare Exim's configuration with the example of this version"));
  return {Label{map, "error"}, line(EximStatus::kError, "mtastsd: " + why)};
}

Answer EximProtocol::temporary(const std::string& reason) const {
  return {std::nullopt, line(EximStatus::kFail, "MTA-STS: " + reason)};
}

std::vector<Label> EximProtocol::labels() const {
  std::vector<Label> all{
      {kEvent, "accepted"}, {kEvent, "veto"}, {kEvent, "error"}, {kMode, "dane"}, {kUnknown, "error"}};
  for (const std::string_view answer : {"enforce", "testing", "none", "defer", "error"}) {
    for (const std::string_view map : {kRoute, kMode}) all.push_back({map, answer});
  }
  return all;
}

void EximProtocol::keep(const Question& question, const Decision& decision) const {
  const std::string& domain = question.domain.text();
  const bool is_over = decision.kind == Decision::Kind::kNoPolicy && routed_.find(domain) != nullptr;
  if (decision.kind == Decision::Kind::kPolicy || is_over)
    routed_.put(domain, decision, std::chrono::steady_clock::now() + kRoutedFor);
}

// The store knows best: another process may have had a newer policy since.
Decision EximProtocol::policy_behind(std::string_view domain) const {
  const auto found = policy_domain(domain).value_or(std::optional<Domain>{});
  if (!found || cached_ == nullptr) return no_policy("not a domain");
  if (auto decision = (*cached_)(*found)) return std::move(*decision);
  const auto* routed = routed_.find(found->text(), std::chrono::steady_clock::now());
  return routed != nullptr ? routed->value : no_policy("nothing is cached");
}

}  // namespace mtasts
