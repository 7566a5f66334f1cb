// Any DNS message: framed in one way only.
#include "dns/wire.h"

#include <string>

#include "tests/fuzz/fuzz.h"

using mtasts::is_well_framed;
using mtasts::fuzz::require;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string message(mtasts::fuzz::text(data, size));
  if (!is_well_framed(message)) return 0;
  require(message.size() >= 12, "a message has a header");
  require(!is_well_framed(message + '\0'), "a message ends where its last record ends");
  for (std::size_t part = 0; part < message.size(); part += 1 + message.size() / 50)
    require(!is_well_framed(message.substr(0, part)), "no part of a message is one");
  return 0;
}
