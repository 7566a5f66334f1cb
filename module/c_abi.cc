// The C boundary: it only translates. No exception leaves it.
#include <algorithm>
#include <cstddef>
#include <cstring>
#include <new>
#include <string>

#include "core/mx_match.h"
#include "core/policy.h"
#include "module/client.h"
#include "module/foreign_reports.h"
#include "module/mtasts.h"

struct mtasts_context {
  explicit mtasts_context(std::unique_ptr<mtasts::Client> opened)
      : client(std::move(opened)), reports(client->config(), client->log(), mtasts::ForeignReports::Life::kLong) {}
  std::unique_ptr<mtasts::Client> client;
  mtasts::ForeignReports reports;
};

struct mtasts_answer {
  mtasts::Decision decision;
  std::vector<std::string> strings;
  mutable bool failure_is_told = false;  // that there is no policy, and why
};

namespace {

using mtasts::Decision;

void copy_text(const std::string& text, char* target, size_t size) {
  if (target == nullptr || size == 0) return;
  const size_t length = std::min(text.size(), size - 1);
  std::memcpy(target, text.data(), length);
  target[length] = '\0';
}

// Runs `work`; what it may throw is at worst bad_alloc.
template <typename Work>
mtasts_status guarded(Work work) noexcept {
  try {
    return work();
  } catch (...) {
    return MTASTS_E_MEMORY;
  }
}

std::string text_of(const char* text) { return mtasts::escaped(text != nullptr ? text : ""); }

void log_session(mtasts_context& context, const Decision& decision, const mtasts_session_details& details) {
  const bool good = details.outcome == MTASTS_SESSION_SUCCESS;
  context.client->log().write(good ? mtasts::LogLevel::kDebug : mtasts::LogLevel::kWarning,
                              mtasts::LogLine("session")
                                  .field("domain", decision.domain)
                                  .field("mode", mtasts::mode_name(decision.mode))
                                  .field("mx", text_of(details.mx_host))
                                  .field("result", mtasts_session_text(details.outcome))
                                  .text("detail", text_of(details.reason)));
}

// Of version 0.3, whose last member is `reason`: what a program passes that was compiled with that header. Later
// members come behind it.
constexpr size_t kSmallestDetails = offsetof(mtasts_session_details, reason) + sizeof mtasts_session_details::reason;

// The members that the caller and this version both know; the others are zero.
mtasts_session_details known_members(const mtasts_session_details& given) {
  mtasts_session_details known{};
  std::memcpy(&known, &given, std::min(given.size, sizeof known));
  return known;
}

// Under a policy the session, otherwise why there is none; what RFC 8460 has no type for is not reported.
void report_session(mtasts_context& context, const mtasts_answer& answer, const mtasts_session_details& details) {
  const Decision& decision = answer.decision;
  const auto domain = mtasts::Domain::parse(decision.domain);
  if (!context.reports.is_on() || !domain) return;
  if (decision.kind == Decision::Kind::kPolicy) {
    auto session = mtasts::sts_session(*domain, decision.body, decision.mx);
    if (details.outcome != MTASTS_SESSION_SUCCESS)
      session.result = mtasts::tls_result(std::string_view(mtasts_session_text(details.outcome))).value();
    session.mx_host = text_of(details.mx_host);
    session.mx_address = text_of(details.mx_address);
    session.mx_helo = text_of(details.mx_helo);
    session.own_address = text_of(details.own_address);
    session.reason = text_of(details.reason);
    return context.reports.report(session);
  }
  const auto failure = decision.failure ? mtasts::policy_failure(*domain, *decision.failure) : std::nullopt;
  if (failure && !std::exchange(answer.failure_is_told, true)) context.reports.report(*failure);
}

const char* item(const std::vector<std::string>& list, size_t index) {
  return index < list.size() ? list[index].c_str() : "";
}

mtasts::ErrorCode error_of(mtasts_session failure) {
  using mtasts::ErrorCode;
  switch (failure) {
    case MTASTS_SESSION_STARTTLS_NOT_SUPPORTED:
      return ErrorCode::kStartTlsNotSupported;
    case MTASTS_SESSION_CERTIFICATE_HOST_MISMATCH:
      return ErrorCode::kCertificateHostMismatch;
    case MTASTS_SESSION_CERTIFICATE_EXPIRED:
      return ErrorCode::kCertificateExpired;
    case MTASTS_SESSION_CERTIFICATE_NOT_TRUSTED:
      return ErrorCode::kCertificateNotTrusted;
    default:
      return ErrorCode::kValidationFailure;
  }
}

}  // namespace

mtasts_status mtasts_open(const char* config_path, mtasts_context** context, char* error, size_t error_size) {
  copy_text("", error, error_size);
  if (context == nullptr) return MTASTS_E_ARGUMENT;
  *context = nullptr;
  return guarded([&] {
    auto client = mtasts::Client::open(config_path != nullptr ? config_path : mtasts::default_config_path(),
                                       mtasts::make_syslog_log());
    if (!client) {
      copy_text(client.error().detail, error, error_size);
      return MTASTS_E_CONFIG;
    }
    *context = new mtasts_context(std::move(*client));
    return MTASTS_OK;
  });
}

void mtasts_close(mtasts_context* context) { delete context; }

mtasts_status mtasts_lookup(mtasts_context* context, const char* next_hop, unsigned deadline_ms,
                            mtasts_answer** answer) {
  if (answer == nullptr) return MTASTS_E_ARGUMENT;
  *answer = nullptr;
  if (context == nullptr || next_hop == nullptr) return MTASTS_E_ARGUMENT;
  return guarded([&] {
    if (!mtasts::policy_domain(next_hop)) return MTASTS_E_ARGUMENT;
    const auto deadline = deadline_ms > 0 ? std::optional(std::chrono::milliseconds(deadline_ms)) : std::nullopt;
    Decision decision = context->client->lookup(next_hop, mtasts::Lookup::Effort::kNormal, deadline);
    auto strings = mtasts::policy_strings(decision.body);
    const bool defers = decision.kind == Decision::Kind::kDefer;
    *answer = new mtasts_answer{std::move(decision), std::move(strings)};
    return defers ? MTASTS_DEFER : MTASTS_OK;
  });
}

void mtasts_answer_free(mtasts_answer* answer) { delete answer; }

mtasts_mode mtasts_answer_mode(const mtasts_answer* answer) {
  if (answer == nullptr || answer->decision.kind != Decision::Kind::kPolicy) return MTASTS_MODE_NONE;
  return answer->decision.mode == mtasts::Mode::kEnforce ? MTASTS_MODE_ENFORCE : MTASTS_MODE_TESTING;
}

const char* mtasts_answer_domain(const mtasts_answer* answer) {
  return answer != nullptr ? answer->decision.domain.c_str() : "";
}
const char* mtasts_answer_id(const mtasts_answer* answer) {
  return answer != nullptr ? answer->decision.id.c_str() : "";
}
const char* mtasts_answer_reason(const mtasts_answer* answer) {
  return answer != nullptr ? answer->decision.reason.c_str() : "";
}

int64_t mtasts_answer_expires(const mtasts_answer* answer) {
  return answer != nullptr && answer->decision.expires ? answer->decision.expires->time_since_epoch().count() : 0;
}

size_t mtasts_answer_mx_count(const mtasts_answer* answer) {
  return answer != nullptr ? answer->decision.mx.size() : 0;
}
const char* mtasts_answer_mx(const mtasts_answer* answer, size_t index) {
  return answer != nullptr ? item(answer->decision.mx, index) : "";
}

size_t mtasts_answer_policy_string_count(const mtasts_answer* answer) {
  return answer != nullptr ? answer->strings.size() : 0;
}
const char* mtasts_answer_policy_string(const mtasts_answer* answer, size_t index) {
  return answer != nullptr ? item(answer->strings, index) : "";
}

int mtasts_answer_allows(const mtasts_answer* answer, const char* mx_host) {
  if (mtasts_answer_mode(answer) != MTASTS_MODE_ENFORCE) return 1;
  return mx_host != nullptr && mtasts::mx_allowed(answer->decision.mx, mx_host) ? 1 : 0;
}

mtasts_status mtasts_report(mtasts_context* context, const mtasts_answer* answer, const char* mx_host,
                            mtasts_session outcome, const char* detail) {
  mtasts_session_details details{};
  details.size = sizeof details;
  details.outcome = outcome;
  details.mx_host = mx_host;
  details.reason = detail;
  return mtasts_report_session(context, answer, &details);
}

mtasts_status mtasts_report_session(mtasts_context* context, const mtasts_answer* answer,
                                    const mtasts_session_details* details) {
  if (context == nullptr || answer == nullptr || details == nullptr || details->size < kSmallestDetails ||
      details->mx_host == nullptr)
    return MTASTS_E_ARGUMENT;
  return guarded([&] {
    const mtasts_session_details known = known_members(*details);
    log_session(*context, answer->decision, known);
    report_session(*context, *answer, known);
    return MTASTS_OK;
  });
}

const char* mtasts_status_text(mtasts_status status) {
  switch (status) {
    case MTASTS_OK:
      return "ok";
    case MTASTS_DEFER:
      return "not now: keep the message and ask again later";
    case MTASTS_E_ARGUMENT:
      return "an argument is NULL or not a domain name";
    case MTASTS_E_CONFIG:
      return "the configuration file cannot be used";
    case MTASTS_E_MEMORY:
      return "out of memory";
  }
  return "unknown status";
}

const char* mtasts_session_text(mtasts_session outcome) {
  if (outcome == MTASTS_SESSION_SUCCESS) return "success";
  return mtasts::error_name(error_of(outcome)).data();  // a literal: it ends with NUL
}

const char* mtasts_version(void) { return MTASTS_VERSION; }
