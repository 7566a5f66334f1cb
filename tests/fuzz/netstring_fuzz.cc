// Any bytes from a client of the socketmap server, arriving in pieces of any size.
#include "module/io/netstring.h"

#include "tests/fuzz/fuzz.h"

using mtasts::NetstringResult;
using mtasts::parse_netstring;
using mtasts::fuzz::require;
using Kind = NetstringResult::Kind;

namespace {

constexpr std::size_t kLimit = 1000;

bool lies_within(std::string_view part, std::string_view whole) {
  return part.data() >= whole.data() && part.data() + part.size() <= whole.data() + whole.size();
}

// What a prefix says must still hold when more has arrived.
void check_prefixes(std::string_view bytes, const NetstringResult& whole) {
  bool malformed = false;
  for (std::size_t length = 0; length < bytes.size() && length <= mtasts::netstring_size(kLimit); ++length) {
    const NetstringResult part = parse_netstring(bytes.substr(0, length), kLimit);
    if (part.kind == Kind::kComplete) require(part.consumed == whole.consumed, "complete once, complete always");
    if (part.kind == Kind::kIncomplete) require(!malformed, "what is malformed stays so");
    malformed = part.kind == Kind::kMalformed;
    if (malformed) require(whole.kind == Kind::kMalformed, "what is malformed stays so");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view bytes = mtasts::fuzz::text(data, size);
  for (;;) {
    const NetstringResult found = parse_netstring(bytes, kLimit);
    check_prefixes(bytes, found);
    if (found.kind == Kind::kIncomplete)
      require(bytes.size() < mtasts::netstring_size(kLimit), "a bounded buffer will do");
    if (found.kind != Kind::kComplete) return 0;
    require(found.payload.size() <= kLimit, "not longer than the limit");
    require(lies_within(found.payload, bytes) && found.consumed <= bytes.size(), "nothing is read that is not there");
    require(mtasts::encode_netstring(found.payload) == bytes.substr(0, found.consumed), "there is one way to write it");
    bytes.remove_prefix(found.consumed);
  }
}
