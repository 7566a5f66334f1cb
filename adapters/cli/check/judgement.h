// What the sections of judge() have in common. Not for anybody else.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "adapters/cli/check/judge.h"
#include "adapters/cli/check/reading.h"
#include "core/joined.h"
#include "core/time.h"

namespace mtasts::check {

struct Judgement {
  const Facts& facts;
  const Saved* saved;
  const Wishes& wishes;
  Reading reading;
  std::vector<Finding> findings{};

  // `subject`: as the peer sent it. `message`: its foreign parts are escaped already. `fix`: likewise.
  void add(std::string_view code, Severity severity, std::string_view subject, std::string message, std::string fix);
  [[nodiscard]] bool has(std::string_view code) const;

  // The line of a zone file that publishes the record with a new id for the file that is served.
  [[nodiscard]] std::string new_record() const;
  [[nodiscard]] std::string policy_url() const;
  // "; then give the record a new id", which has to follow every change of the policy file (R34).
  static std::string then_new_id();
};

// What is wrong with a certificate, under the codes that begin with `prefix` ("host", "mx").
struct CertificateFault {
  std::string_view code;
  std::string message;
  std::string fix;
};
std::vector<CertificateFault> certificate_faults(std::string_view prefix, const std::string& name,
                                                 const CertificateFact& certificate, WallTime now);
// Days that are left, rounded down; negative once it has expired.
long days_left(const CertificateFact& certificate, WallTime now);

std::string in_quotes(std::string_view text);  // escaped; as "quoted" it would be found in std, too

// A CNAME at `name` that leads nowhere; true: it was one, and what lies behind it need not be judged.
bool judge_alias(Judgement& judgement, const std::string& name, const AliasFact& alias);

// The mail domain where the domain that was named is no mail domain but its policy host, as far as DNS tells.
std::optional<Domain> meant_domain(const Facts& facts);

// False: there is no record, and nothing else is judged.
bool judge_record(Judgement& judgement);
void judge_id(Judgement& judgement);
void judge_removal(Judgement& judgement);
void judge_tlsrpt(Judgement& judgement);
void judge_policy_host(Judgement& judgement);
void judge_policy(Judgement& judgement);
void judge_mx(Judgement& judgement);

// What senders will do, one sentence.
std::string impact(const Judgement& judgement);

}  // namespace mtasts::check
