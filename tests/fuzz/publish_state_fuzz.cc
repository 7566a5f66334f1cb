// Any bytes as the state. So that the fuzzer gets beyond the sum, they are read with a right one, too.
#include "adapters/cli/check/sha256.h"
#include "adapters/cli/publish/state.h"
#include "tests/fuzz/fuzz.h"

using mtasts::fuzz::require;
namespace publish = mtasts::publish;

namespace {

void look_at(const std::string& bytes) {
  const auto state = publish::parse_state(bytes);
  if (!state) {
    require(mtasts::fuzz::is_one_line(state.error().detail), "one line");
    return;
  }
  const auto again = publish::parse_state(publish::serialize(*state));
  require(again && *again == *state, "it comes back as it was");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string bytes(mtasts::fuzz::text(data, size));
  look_at(bytes);
  const std::string text = "mtasts-publish 1\n" + bytes + "\n";
  look_at(text + "sum: " + mtasts::check::sha256_hex(text) + "\n");
  return 0;
}
