#include "module/io/netstring.h"

#include <charconv>
#include <limits>

#include "core/ascii.h"

namespace mtasts {
namespace {

constexpr NetstringResult kMalformed{NetstringResult::Kind::kMalformed};
constexpr NetstringResult kIncomplete{NetstringResult::Kind::kIncomplete};

}  // namespace

NetstringResult parse_netstring(std::string_view bytes, std::size_t limit) {
  std::size_t length = 0;
  std::size_t at = 0;
  for (; at < bytes.size() && ascii::is_digit(bytes[at]); ++at) {
    const auto digit = static_cast<std::size_t>(bytes[at] - '0');
    if (at > 0 && length == 0) return kMalformed;  // a leading zero
    if (digit > limit || length > (limit - digit) / 10) return kMalformed;
    length = length * 10 + digit;
  }
  if (at == bytes.size()) return kIncomplete;
  if (at == 0 || bytes[at] != ':') return kMalformed;
  const std::string_view rest = bytes.substr(at + 1);
  if (rest.size() <= length) return kIncomplete;
  if (rest[length] != ',') return kMalformed;
  return {NetstringResult::Kind::kComplete, rest.substr(0, length), at + 1 + length + 1};
}

std::size_t netstring_size(std::size_t length) {
  std::size_t digits = 1;
  for (std::size_t left = length; left >= 10; left /= 10) ++digits;
  return digits + 1 + length + 1;
}

void append_netstring(std::string& out, std::string_view payload) {
  char digits[std::numeric_limits<std::size_t>::digits10 + 1];
  const auto written = std::to_chars(std::begin(digits), std::end(digits), payload.size());
  out.append(std::begin(digits), written.ptr);
  out += ':';
  out += payload;
  out += ',';
}

std::string encode_netstring(std::string_view payload) {
  std::string out;
  out.reserve(netstring_size(payload.size()));
  append_netstring(out, payload);
  return out;
}

}  // namespace mtasts
