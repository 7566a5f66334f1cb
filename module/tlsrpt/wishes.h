// Whether domains want reports: what their records at _smtp._tls said (R31), shared by all processes that use a store,
// so that a domain is asked once for its record's time to live, whoever asks.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/domain.h"
#include "core/time.h"

namespace mtasts {

struct ReportWish {
  std::optional<std::string> record;  // nullopt: no reports are wanted, unless is_unknown
  WallTime until{};                   // usable while now < until
  // While now < listed_until: every MX host of the domain matches the patterns with this number (unrefused()).
  WallTime listed_until{};
  std::uint64_t listed_by = 0;
  bool is_unknown = false;  // DNS could not say, and is not asked again before `until`

  friend bool operator==(const ReportWish&, const ReportWish&) = default;
};

// In slots (slots.h), each with the last domain that belongs there: one that loses its place is asked again.
class ReportWishes {
 public:
  static constexpr std::chrono::seconds kLongest{86'400};

  // `directory`: of the store.
  explicit ReportWishes(std::string directory) : directory_(std::move(directory)) {}

  // nullopt: nobody knows, or no longer.
  [[nodiscard]] std::optional<ReportWish> find(const Domain& domain, WallTime now) const;
  // Where the store cannot be written it is not cached; whoever looks policies up has said so.
  void put(const Domain& domain, const ReportWish& wish) const;

 private:
  std::string directory_;
};

// MX patterns as a number.
std::uint64_t number_of(const std::vector<std::string>& patterns);

// The text of such a file, and back: strict, for `domain` only.
std::string wish_text(const Domain& domain, const ReportWish& wish);
std::optional<ReportWish> parse_wish(std::string_view text, const Domain& domain);

}  // namespace mtasts
