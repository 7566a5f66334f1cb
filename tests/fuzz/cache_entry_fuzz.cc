// Any bytes in the place of a store's entry. Most would fail at the sum, so they are tried with a right one, too.
#include "core/cache_entry.h"
#include "core/record.h"
#include "tests/fuzz/fuzz.h"
#include "tests/unit/core/entry_sum.h"

using mtasts::CacheEntry;
using mtasts::Domain;
using mtasts::fuzz::require;

namespace {

void check(std::string_view bytes, const Domain& domain) {
  const auto result = mtasts::parse_cache_entry(bytes, domain);
  const bool is_other_version = bytes.starts_with("mtasts-cache ") && !bytes.starts_with("mtasts-cache 1\n");
  if (!result) {
    require(result.error().code == mtasts::ErrorCode::kStoreDamaged ||
                (result.error().code == mtasts::ErrorCode::kLocalFault && is_other_version),
            "the code of an error");
    require(mtasts::fuzz::is_one_line(result.error().detail), "an error is one line");
    return;
  }
  const CacheEntry& entry = *result;
  require(bytes.size() <= mtasts::kMaxEntryBytes, "bounded");
  require(is_other_version ? entry.record == mtasts::RecordMemory{} : mtasts::serialize(entry) == bytes,
          "there is one way to write an entry");
  require(entry.domain == domain, "it is the entry of the domain asked for");
  if (entry.record.state == mtasts::RecordMemory::State::kFound) {
    require(mtasts::is_record_id(entry.record.id), "a record that was found has an id");
  }
  if (entry.policy) {
    const std::string_view body = entry.policy->body;
    auto policy = mtasts::parse_policy(body);
    if (!policy && body.ends_with('\r')) policy = mtasts::parse_policy(body.substr(0, body.size() - 1));
    require(policy && *policy == entry.policy->policy, "the policy is what its text says");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const Domain domain = Domain::parse("example.com").value();
  const std::string_view bytes = mtasts::fuzz::text(data, size);
  check(bytes, domain);
  check(mtasts::test::with_right_sum(std::string(bytes)), domain);
  return 0;
}
