#include "adapters/cli/check/saved.h"

#include <algorithm>

#include "adapters/cli/check/reading.h"
#include "adapters/cli/check/sha256.h"
#include "core/ascii.h"

namespace mtasts::check {
namespace {

using std::chrono::seconds;

constexpr std::string_view kMagic = "mtasts-check ";
constexpr std::string_view kVersion = "mtasts-check 1\n";
constexpr std::int64_t kMaxTime = 253'402'300'799;  // the end of the year 9999

tl::unexpected<Error> damaged(const std::string& what) {
  return fail(ErrorCode::kStoreDamaged, "what was saved of an earlier check is damaged: " + what);
}

// Takes "key value\n" off the front; the lines have one order.
class Lines {
 public:
  explicit Lines(std::string_view bytes) : rest_(bytes) {}

  std::string_view take(std::string_view key) {
    const std::size_t end = rest_.find('\n');
    const std::string_view line = rest_.substr(0, end);
    if (end == std::string_view::npos || !line.starts_with(key) || line.size() <= key.size() ||
        line[key.size()] != ' ') {
      fault_ = fault_.empty() ? "the line " + std::string(key) + " is missing" : fault_;
      return {};
    }
    rest_.remove_prefix(end + 1);
    return line.substr(key.size() + 1);
  }
  std::int64_t take_number(std::string_view key, std::int64_t max) {
    const std::string_view text = take(key);
    const auto number = ascii::number(text, max);
    const bool is_shortest = number && std::to_string(*number) == text;
    if (!is_shortest && fault_.empty()) fault_ = std::string(key) + " is not a number in range";
    return is_shortest ? *number : 0;
  }
  WallTime take_time(std::string_view key) { return from_epoch(take_number(key, kMaxTime)); }

  void expect(bool holds, std::string_view what) {
    if (!holds && fault_.empty()) fault_ = what;
  }
  [[nodiscard]] const std::string& fault() const { return fault_; }
  [[nodiscard]] bool is_at_end() const { return rest_.empty(); }

 private:
  std::string_view rest_;
  std::string fault_;
};

bool is_sha256(std::string_view text) {
  return text.size() == 64 &&
         std::ranges::all_of(text, [](char c) { return ascii::is_digit(c) || (c >= 'a' && c <= 'f'); });
}

std::string line(std::string_view key, std::string_view value) {
  return std::string(key) + " " + std::string(value) + "\n";
}

std::string line(std::string_view key, std::int64_t number) { return line(key, std::to_string(number)); }

std::string line(std::string_view key, WallTime time) { return line(key, time.time_since_epoch().count()); }

// The first time, or one that begins anew.
Saved first(const Facts& facts, Mode mode) {
  return {facts.domain, facts.seen_at, facts.seen_at, "", "", mode, facts.seen_at, seconds(0), {}};
}

void note_age(Saved& saved, const Policy& policy, WallTime now) {
  if (saved.held_until <= now) saved.longest_max_age = seconds(0);
  if (policy.mode == Mode::kNone) return;  // nobody misses it
  saved.longest_max_age = std::max(saved.longest_max_age, policy.max_age);
  saved.held_until = std::max(saved.held_until, now + policy.max_age);
}

}  // namespace

std::string serialize(const Saved& saved) {
  return std::string(kVersion) + line("domain", saved.domain.text()) + line("first-seen", saved.first_seen) +
         line("last-seen", saved.last_seen) + line("id", saved.id) + line("body-sha256", saved.body_sha256) +
         line("mode", mode_name(saved.mode)) + line("mode-since", saved.mode_since) +
         line("longest-max-age", saved.longest_max_age.count()) + line("held-until", saved.held_until);
}

Result<Saved> parse_saved(std::string_view bytes, const Domain& domain) {
  if (bytes.size() > kMaxSavedBytes) return damaged("it is too long");
  if (!bytes.starts_with(kVersion)) {
    if (bytes.starts_with(kMagic))
      return fail(ErrorCode::kLocalFault, "what was saved of an earlier check is of another version of mtasts");
    return damaged("it does not begin with \"mtasts-check 1\"");
  }
  Lines lines(bytes.substr(kVersion.size()));
  Saved saved{domain, {}, {}, {}, {}, {}, {}, {}, {}};
  lines.expect(lines.take("domain") == domain.text(), "it is of another domain");
  saved.first_seen = lines.take_time("first-seen");
  saved.last_seen = lines.take_time("last-seen");
  saved.id = lines.take("id");
  lines.expect(is_record_id(saved.id), "the id is none");
  saved.body_sha256 = lines.take("body-sha256");
  lines.expect(is_sha256(saved.body_sha256), "body-sha256 is not 64 hexadecimal digits");
  const auto mode = mode_of(lines.take("mode"));
  lines.expect(mode.has_value(), "the mode is none that exists");
  saved.mode = mode.value_or(Mode::kNone);
  saved.mode_since = lines.take_time("mode-since");
  saved.longest_max_age = seconds(lines.take_number("longest-max-age", kMaxPolicyAge.count()));
  saved.held_until = lines.take_time("held-until");
  lines.expect(lines.is_at_end(), "something follows the last line");
  if (!lines.fault().empty()) return damaged(lines.fault());
  return saved;
}

std::optional<Saved> saved_after(const std::optional<Saved>& before, const Facts& facts) {
  const Reading reading = read(facts);
  // Without a record no sender has fetched it.
  if (reading.record.id.empty() || !reading.policy || !serves_policy(*reading.source)) return before;
  const Policy& policy = *reading.policy;
  Saved saved = before.value_or(first(facts, policy.mode));
  if (saved.mode != policy.mode) saved.mode_since = facts.seen_at;
  saved.mode = policy.mode;
  saved.last_seen = facts.seen_at;
  // The file that was first seen with an id stays: it is what senders that know the id have.
  if (saved.id != reading.record.id || saved.body_sha256.empty())
    saved.body_sha256 = sha256_hex(reading.source->http.body);
  saved.id = reading.record.id;
  note_age(saved, policy, facts.seen_at);
  return saved;
}

}  // namespace mtasts::check
