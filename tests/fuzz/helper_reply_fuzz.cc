// Any bytes in the place of what a lookup helper sends: what the process that started it makes of them.
#include "module/helper/frames.h"
#include "module/helper/inspection_frames.h"
#include "tests/fuzz/fuzz.h"

using mtasts::Domain;
using mtasts::Fields;
using mtasts::fuzz::require;

namespace {

void require_ours(const mtasts::Error& error) {
  require(mtasts::fuzz::is_one_line(error.detail), "an error is one line");
}

template <typename Record>
void check_dns(const Fields& fields) {
  const auto answer = mtasts::decode_dns<Record>(fields);
  if (!answer) return require_ours(answer.error());
  require(mtasts::encode_dns<Record>(*answer) == fields, "there is one way to write an answer");
}

// The address of a fact is its first field; a fact that is none says so and nothing else.
template <typename Fact, typename Encode>
void check_fact(const Fact& fact, Encode encode, const Fields& fields) {
  for (const auto& text : {fact.not_tried, fact.error})
    require(text.empty() || mtasts::fuzz::is_one_line(text), "an error is one line");
  if (fact.not_tried != "the lookup helper sent no usable facts")
    require(encode(fact) == fields, "there is one way to write a fact");
}

void check_facts(const Fields& fields) {
  const std::string address = fields.empty() ? "" : fields.front();
  check_fact(mtasts::decode_policy_host(fields, address), mtasts::encode_policy_host, fields);
  check_fact(mtasts::decode_mx_host(fields, address), mtasts::encode_mx_host, fields);
}

void check(const Fields& fields) {
  static const Domain domain = Domain::parse("example.com").value();
  check_dns<std::string>(fields);
  check_dns<mtasts::MxRecord>(fields);
  check_dns<mtasts::TlsaRecord>(fields);
  const auto trial = mtasts::decode_trial(fields);
  if (!trial.result) require_ours(trial.result.error());
  check_facts(fields);
  if (const auto ready = mtasts::decode_void(fields); !ready) require_ours(ready.error());
  if (const auto outcome = mtasts::decode_lookup(fields, domain); !outcome) require_ours(outcome.error());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  mtasts::FrameReader reader;
  reader.add(mtasts::fuzz::text(data, size));
  for (;;) {
    const auto frame = reader.next();
    if (!frame) require_ours(frame.error());
    if (!frame || !*frame) return 0;
    check(**frame);
  }
}
