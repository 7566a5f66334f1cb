// Any TXT records (R4-R7). The byte 0xff stands between two records.
#include <algorithm>

#include "core/record.h"
#include "tests/fuzz/fuzz.h"

using mtasts::read_record;
using mtasts::RecordFinding;
using mtasts::fuzz::require;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::vector<std::string> texts = mtasts::fuzz::records(mtasts::fuzz::text(data, size));
  const RecordFinding finding = read_record(texts);
  const bool found = finding.kind == RecordFinding::Kind::kFound;
  require(found == mtasts::is_record_id(finding.id), "an id exactly where a record is found");
  if (finding.kind == RecordFinding::Kind::kInvalid) {
    require(mtasts::fuzz::is_one_line(finding.reason), "a reason is one line");
  } else {
    require(finding.reason.empty(), "a reason only where something is wrong");
  }
  if (found) require(read_record({"v=STSv1; id=" + finding.id}) == finding, "an id can be written again");

  std::ranges::reverse(texts);
  texts.emplace_back("v=spf1 -all");
  const RecordFinding other = read_record(texts);
  require(other.kind == finding.kind && other.id == finding.id, "neither order nor other records matter");
  texts.emplace_back("v=STSv1; id=1");
  require(found == (read_record(texts).kind == RecordFinding::Kind::kInvalid) ||
              finding.kind == RecordFinding::Kind::kInvalid,
          "a second record spoils the first");
  return 0;
}
