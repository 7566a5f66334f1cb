// Answers of DNS as facts. Pure.
#pragma once

#include <string>

#include "adapters/cli/check/facts.h"
#include "core/ports.h"

namespace mtasts::check {

// Until there is an answer: nothing is known.
DnsFact unanswered();

DnsFact text_fact(const Result<DnsAnswer<std::string>>& answer);
DnsFact mx_fact(const Result<DnsAnswer<MxRecord>>& answer);
DnsFact tlsa_fact(const Result<DnsAnswer<TlsaRecord>>& answer);
// What a zone's own server says of the record: an alias in its place is a value of its own.
DnsFact server_fact(const std::string& name, ServerQuestions::Type type, const Result<DnsAnswer<std::string>>& answer);

// Did CNAMEs lead elsewhere, or may they have? Then follow_alias() finds out where.
template <typename Record>
bool may_be_alias(const std::string& name, const Result<DnsAnswer<Record>>& answer) {
  return !answer || answer->owner != name;
}

}  // namespace mtasts::check
