// Any list of domains: it is refused in one line, or each of its domains can be published.
#include "adapters/cli/publish/list.h"
#include "adapters/cli/publish/policy_file.h"
#include "tests/fuzz/fuzz.h"

using mtasts::fuzz::require;
namespace publish = mtasts::publish;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto list = publish::parse_list(mtasts::fuzz::text(data, size), "list");
  if (!list) {
    require(list.error().detail.starts_with("list:") && mtasts::fuzz::is_one_line(list.error().detail),
            "one line with the file");
    return 0;
  }
  require(!list->empty(), "an empty list is an error");
  for (const auto& domain : *list) {
    require(domain.is_mx_auto || domain.mode == mtasts::Mode::kNone ||
                mtasts::parse_policy(publish::policy_file(domain.mode, domain.max_age, domain.mx)).has_value(),
            "its policy is one");
    require(!(domain.host && !domain.addresses.empty()), "an alias or addresses");
  }
  return 0;
}
