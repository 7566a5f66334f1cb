// The header of a mail or of one of its parts (RFC 5322 §2.2, RFC 2045 §5), as far as attachments are found by it.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "adapters/cli/report/refusal.h"

namespace mtasts::report {

// "multipart/report; report-type=tlsrpt; boundary=x": the value in lower case, the parameters' names, too. Of a
// parameter that stands twice the first counts.
struct Parameterized {
  std::string value;
  std::map<std::string, std::string> parameters;

  [[nodiscard]] std::string parameter(const std::string& name) const {
    const auto found = parameters.find(name);
    return found == parameters.end() ? std::string() : found->second;
  }
};

Parameterized parse_parameterized(std::string_view text);

class Header {
 public:
  // Takes the header off the front of `rest`, with the empty line after it. Refused: a line that is no field, more than
  // 256 KiB or 1000 fields, no empty line.
  static Read<Header> take(std::string_view& rest);

  // The value of the first such field, unfolded; nothing where there is none. `name` in lower case.
  [[nodiscard]] std::optional<std::string> field(std::string_view name) const;

 private:
  struct Field {
    std::string name;
    std::string value;
  };
  std::vector<Field> fields_;
};

}  // namespace mtasts::report
