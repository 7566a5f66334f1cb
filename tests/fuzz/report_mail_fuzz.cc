// Any mail: attachments no larger than itself, or a reason that can be shown.
#include "adapters/cli/report/mail.h"
#include "tests/fuzz/fuzz.h"

using mtasts::fuzz::require;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto found = mtasts::report::attached_reports(mtasts::fuzz::text(data, size));
  if (!found) {
    require(mtasts::fuzz::is_one_line(found.error().reason), "a reason is one line");
    return 0;
  }
  require(!found->empty(), "no mail without a report is taken");
  std::size_t sum = 0;
  for (const std::string& attachment : *found) sum += attachment.size();
  require(sum <= size, "decoding makes nothing larger");
  return 0;
}
