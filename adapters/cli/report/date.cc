#include "adapters/cli/report/date.h"

#include "core/ascii.h"

namespace mtasts::report {
namespace {

using std::chrono::sys_days;

// Takes what it reads off the front of a text; nothing is read any more after the first mistake.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : rest_(text) {}

  int number(std::size_t digits, int max) {
    const auto value = ascii::number(rest_.substr(0, digits), max);
    good_ = good_ && rest_.size() >= digits && value;
    rest_.remove_prefix(std::min(digits, rest_.size()));
    return good_ ? static_cast<int>(*value) : 0;
  }
  // One of `choices`; '\0' where there is none.
  char one_of(std::string_view choices) {
    const char next = rest_.empty() ? '\0' : rest_.front();
    good_ = good_ && next != '\0' && choices.find(next) != std::string_view::npos;
    rest_.remove_prefix(rest_.empty() ? 0 : 1);
    return good_ ? next : '\0';
  }
  void skip_fraction() {
    if (!rest_.starts_with('.')) return;
    rest_.remove_prefix(1);
    const std::size_t digits = std::min(rest_.find_first_not_of("0123456789"), rest_.size());
    good_ = good_ && digits > 0;
    rest_.remove_prefix(digits);
  }
  [[nodiscard]] bool is_done() const { return good_ && rest_.empty(); }

 private:
  std::string_view rest_;
  bool good_ = true;
};

std::chrono::minutes offset(Scanner& scanner) {
  const char sign = scanner.one_of("Zz+-");
  if (sign != '+' && sign != '-') return {};
  const std::chrono::hours hours{scanner.number(2, 23)};
  scanner.one_of(":");
  const std::chrono::minutes minutes = hours + std::chrono::minutes{scanner.number(2, 59)};
  return sign == '-' ? -minutes : minutes;
}

bool is_of_this_century(WallTime time) {
  using namespace std::chrono_literals;
  return time >= sys_days{2000y / 1 / 1} && time < sys_days{2100y / 1 / 1};
}

}  // namespace

std::optional<WallTime> parse_date(std::string_view text) {
  Scanner scanner(text);
  const std::chrono::year year{scanner.number(4, 9999)};
  scanner.one_of("-");
  const std::chrono::month month{static_cast<unsigned>(scanner.number(2, 12))};
  scanner.one_of("-");
  const std::chrono::day day{static_cast<unsigned>(scanner.number(2, 31))};
  scanner.one_of("Tt");
  const std::chrono::hours hour{scanner.number(2, 23)};
  scanner.one_of(":");
  const std::chrono::minutes minute{scanner.number(2, 59)};
  scanner.one_of(":");
  const std::chrono::seconds second{scanner.number(2, 60)};  // 60: a leap second
  scanner.skip_fraction();
  const std::chrono::minutes ahead = offset(scanner);
  const std::chrono::year_month_day date{year, month, day};
  if (!scanner.is_done() || !date.ok()) return std::nullopt;
  const WallTime time = sys_days{date} + hour + minute + second - ahead;
  return is_of_this_century(time) ? std::optional(time) : std::nullopt;
}

}  // namespace mtasts::report
