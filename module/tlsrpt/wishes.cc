#include "module/tlsrpt/wishes.h"

#include <algorithm>
#include <array>
#include <limits>

#include "core/ascii.h"
#include "core/fnv1a.h"
#include "core/time.h"
#include "core/tlsrpt_record.h"
#include "module/tlsrpt/slots.h"

namespace mtasts {
namespace {

constexpr std::size_t kMaxText = kMaxTlsrptRecord + 512;

}  // namespace

std::uint64_t number_of(const std::vector<std::string>& patterns) {
  std::uint64_t hash = fnv1a_64("mx");
  for (const std::string& pattern : patterns) hash = fnv1a_64(pattern + ' ', hash);
  return hash >> 1U;
}

// "<domain> <until> <listed until> <listed by> <state><record>", and no line end; the state is 0, ? or 1, and the
// record follows 1 only. Older versions take a file with ? for none of theirs, and ask DNS.
std::string wish_text(const Domain& domain, const ReportWish& wish) {
  const auto seconds = [](WallTime time) { return std::to_string(time.time_since_epoch().count()); };
  return domain.text() + ' ' + seconds(wish.until) + ' ' + seconds(wish.listed_until) + ' ' +
         std::to_string(wish.listed_by) +
         (wish.is_unknown ? " ?"
          : wish.record   ? " 1" + *wish.record
                          : " 0");
}

std::optional<ReportWish> parse_wish(std::string_view text, const Domain& domain) {
  if (text.size() > kMaxText || !text.starts_with(domain.text() + ' ')) return std::nullopt;
  text.remove_prefix(domain.text().size() + 1);
  std::array<std::int64_t, 3> numbers{};
  for (std::int64_t& number : numbers) {
    const std::size_t space = std::min(text.find(' '), text.size());
    const auto value = ascii::number(text.substr(0, space), std::numeric_limits<std::int64_t>::max());
    if (!value || space == text.size()) return std::nullopt;
    number = *value;
    text.remove_prefix(space + 1);
  }
  const bool has_record = text.starts_with('1') && text.size() > 1;
  if (!has_record && text != "0" && text != "?") return std::nullopt;
  return ReportWish{has_record ? std::optional(std::string(text.substr(1))) : std::nullopt, from_epoch(numbers[0]),
                    from_epoch(numbers[1]), static_cast<std::uint64_t>(numbers[2]), text == "?"};
}

// One that reaches further than any may is from before the clock was set back.
std::optional<ReportWish> ReportWishes::find(const Domain& domain, WallTime now) const {
  const auto text = read_slot(directory_, slot_of(domain.text()), kMaxText);
  auto wish = text ? parse_wish(*text, domain) : std::nullopt;
  if (!wish || now >= wish->until || wish->until > now + kLongest) return std::nullopt;
  if (wish->listed_until > now + kLongest) wish->listed_until = {};
  return wish;
}

void ReportWishes::put(const Domain& domain, const ReportWish& wish) const {
  write_slot(directory_, slot_of(domain.text()), wish_text(domain, wish));
}

}  // namespace mtasts
