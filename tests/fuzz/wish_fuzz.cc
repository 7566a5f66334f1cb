// Any file in the place of what a domain said at _smtp._tls (module/tlsrpt/wishes).
#include "module/tlsrpt/wishes.h"
#include "tests/fuzz/fuzz.h"

using mtasts::parse_wish;
using mtasts::fuzz::require;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const auto domain = mtasts::Domain::parse("example.com").value();
  static const auto other = mtasts::Domain::parse("example.net").value();
  const auto text = mtasts::fuzz::text(data, size);
  const auto wish = parse_wish(text, domain);
  if (!wish) return 0;
  require(size < 4096, "it is bounded");
  require(!wish->record || !wish->record->empty(), "a record has text");
  require(parse_wish(wish_text(domain, *wish), domain) == wish, "it is what is written again");
  require(!parse_wish(text, other), "it is no other domain's");
  return 0;
}
