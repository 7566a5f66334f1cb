// Any TXT records at _smtp._tls (R31). The byte 0xff stands between two records.
#include <algorithm>

#include "core/tlsrpt_record.h"
#include "tests/fuzz/fuzz.h"

using mtasts::tlsrpt_record;
using mtasts::fuzz::require;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::vector<std::string> texts = mtasts::fuzz::records(mtasts::fuzz::text(data, size));
  const auto record = tlsrpt_record(texts);
  if (record) {
    require(std::ranges::none_of(*record, [](char c) { return c != '\t' && (c < 0x20 || c == 0x7f); }), "it is text");
    require(tlsrpt_record({*record}) == record, "it counts alone as well");
  }
  std::ranges::reverse(texts);
  texts.emplace_back("v=spf1 -all");
  require(tlsrpt_record(texts) == record, "neither order nor other records matter");
  texts.emplace_back("v=TLSRPTv1; rua=mailto:a@example.com");
  if (record) require(!tlsrpt_record(texts), "a second record spoils the first");
  return 0;
}
