// Any payload of a request: it has a policy domain or none, and what is looked up is a domain of our own making.
#include <algorithm>

#include "adapters/socketmap/reply.h"
#include "core/domain.h"
#include "tests/fuzz/fuzz.h"

using mtasts::fuzz::require;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view payload = mtasts::fuzz::text(data, size);
  const auto request = mtasts::socketmap::Request::parse(payload);
  require(request.has_value() == (payload.find(' ') != std::string_view::npos), "a map and a key");
  if (!request) return 0;
  require(payload.ends_with(request->key), "the key is what follows the map");
  const auto domain = mtasts::policy_domain(request->key);
  if (!domain || !*domain) return 0;
  require(!mtasts::socketmap::is_parent_key(request->key), "the parent of a name has no policy domain");
  const std::string& name = (**domain).text();
  require(mtasts::Domain::parse(name).value() == **domain, "the domain is canonical");
  require(std::ranges::none_of(name, [](char c) { return c == ' ' || c == '/' || c == ':' || c < 0x20; }),
          "the domain is a file name and a word");
  return 0;
}
