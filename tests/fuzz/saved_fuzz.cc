// Any bytes in the place of what an earlier check saved.
#include "adapters/cli/check/saved.h"
#include "tests/fuzz/fuzz.h"

using mtasts::Domain;
using mtasts::fuzz::require;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const Domain domain = Domain::parse("example.com").value();
  const std::string_view bytes = mtasts::fuzz::text(data, size);
  const auto saved = mtasts::check::parse_saved(bytes, domain);
  if (!saved) {
    require(saved.error().code == mtasts::ErrorCode::kStoreDamaged || bytes.starts_with("mtasts-check "),
            "the code of an error");
    require(mtasts::fuzz::is_one_line(saved.error().detail), "an error is one line");
    return 0;
  }
  require(bytes.size() <= mtasts::check::kMaxSavedBytes, "bounded");
  require(mtasts::check::serialize(*saved) == bytes, "there is one way to write it");
  require(saved->domain == domain, "it is of the domain asked for");
  return 0;
}
