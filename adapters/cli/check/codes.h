// Every code that a finding can have, in the order of the sections: its title, when it is given and with which
// severity. docs/check.md shows this table; people script against the codes.
#pragma once

#include <span>
#include <string_view>

namespace mtasts::check {

enum class Section { kDns, kPolicyHost, kPolicy, kMx };

struct Code {
  std::string_view name;
  Section section;
  std::string_view severity;     // as a person reads it: "critical in enforce, warning in testing"
  std::string_view title;        // what it is, in a few words
  std::string_view explanation;  // when it is given and what it leads to, one sentence or two
  std::string_view rfc;          // "RFC 8461 §3.1"
};

std::span<const Code> codes();

// nullptr: there is no such code.
const Code* find_code(std::string_view name);

}  // namespace mtasts::check
