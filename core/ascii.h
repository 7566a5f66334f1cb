// Character classes of the protocols: ASCII only and independent of any locale, unlike <cctype>.
#pragma once

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace mtasts::ascii {

constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }
constexpr bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
constexpr bool is_alpha(char c) { return (c >= 'a' && c <= 'z') || is_upper(c); }
constexpr bool is_alnum(char c) { return is_alpha(c) || is_digit(c); }
constexpr bool is_hex(char c) { return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }
constexpr bool is_blank(char c) { return c == ' ' || c == '\t'; }
constexpr bool is_printable(char c) { return c >= 0x20 && c < 0x7f; }

// The lowest four bits, "0" to "f".
constexpr char hex_digit(unsigned value) { return "0123456789abcdef"[value & 15U]; }

// Two digits an octet.
inline std::string hex(std::string_view octets) {
  std::string digits;
  for (const char c : octets) {
    const auto octet = static_cast<unsigned char>(c);
    digits += hex_digit(octet >> 4U);
    digits += hex_digit(octet);
  }
  return digits;
}

constexpr char lower(char c) { return is_upper(c) ? static_cast<char>(c - 'A' + 'a') : c; }

inline std::string lower(std::string_view text) {
  std::string result(text);
  std::ranges::transform(result, result.begin(), [](char c) { return lower(c); });
  return result;
}

inline std::string upper(std::string_view text) {
  std::string result(text);
  std::ranges::transform(result, result.begin(),
                         [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; });
  return result;
}

constexpr bool equal_ignoring_case(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](char x, char y) { return lower(x) == lower(y); });
}

// Without `blanks` around it.
constexpr std::string_view trimmed(std::string_view text, std::string_view blanks = " \t") {
  text.remove_prefix(std::min(text.find_first_not_of(blanks), text.size()));
  return text.substr(0, text.find_last_not_of(blanks) + 1);
}

// The decimal number that `digits` - digits and nothing else - write, if it is at most `max`.
inline std::optional<std::int64_t> number(std::string_view digits, std::int64_t max) {
  if (digits.empty() || !std::ranges::all_of(digits, is_digit)) return std::nullopt;
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  return error == std::errc{} && value <= max ? std::optional(value) : std::nullopt;
}

// Names of extension fields in records and policies (RFC 8461 §3.1, §3.2): alphanumeric, then up to 31 of alphanumeric,
// "_", "-" and ".".
constexpr bool is_field_name(std::string_view name) {
  return !name.empty() && name.size() <= 32 && is_alnum(name.front()) &&
         std::ranges::all_of(name, [](char c) { return is_alnum(c) || c == '_' || c == '-' || c == '.'; });
}

}  // namespace mtasts::ascii
