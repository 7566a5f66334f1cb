// Any words as a domain name and as a next hop (R1, R2).
#include <algorithm>

#include "core/domain.h"
#include "tests/fuzz/fuzz.h"

using mtasts::Domain;
using mtasts::fuzz::require;

namespace {

void check(const Domain& domain) {
  const std::string& name = domain.text();
  require(name.size() <= 253 && name.find('.') != std::string::npos, "the size of a name");
  require(!name.starts_with('.') && !name.ends_with('.') && name.find("..") == std::string::npos, "no empty label");
  require(
      std::ranges::all_of(
          name,
          [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.'; }),
      "only bytes that are safe in a file name and in a host's language");
  const auto again = Domain::parse(name);
  require(again && *again == domain, "a canonical name is its own canonical form");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view words = mtasts::fuzz::text(data, size);
  const auto domain = Domain::parse(words);
  if (domain) check(*domain);
  if (!domain) require(mtasts::fuzz::is_one_line(domain.error().detail), "an error is one line");

  const auto next_hop = mtasts::policy_domain(words);
  if (!next_hop) require(mtasts::fuzz::is_one_line(next_hop.error().detail), "an error is one line");
  if (next_hop && *next_hop) {
    check(**next_hop);
    require((*next_hop)->record_name().size() <= 253, "the record has a name that DNS can ask for");
    require(!domain || *domain == **next_hop, "a name that is one is its own policy domain");
  }
  return 0;
}
