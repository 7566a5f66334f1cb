// Any bytes in the place of the answer that a lookup helper sends; tried with a right sum, too.
#include "module/helper/answer.h"

#include "tests/fuzz/fuzz.h"
#include "tests/unit/core/entry_sum.h"

using mtasts::Domain;
using mtasts::fuzz::require;

namespace {

void check(std::string_view bytes, const Domain& domain) {
  const auto answer = mtasts::parse_answer(bytes, domain);
  if (!answer) {
    require(mtasts::fuzz::is_one_line(answer.error().detail), "an error is one line");
    return;
  }
  require(bytes.size() <= mtasts::kMaxAnswerBytes, "bounded");
  require(answer->entry.domain == domain, "it is the answer for the domain asked for");
  require(mtasts::encode_answer(answer) == bytes, "there is one way to write an answer");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const Domain domain = Domain::parse("example.com").value();
  const std::string_view bytes = mtasts::fuzz::text(data, size);
  check(bytes, domain);
  const auto line = bytes.find('\n');
  if (line != std::string_view::npos) {
    check(std::string(bytes.substr(0, line + 1)) + mtasts::test::with_right_sum(std::string(bytes.substr(line + 1))),
          domain);
  }
  return 0;
}
