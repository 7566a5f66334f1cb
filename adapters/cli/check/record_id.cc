#include "adapters/cli/check/record_id.h"

#include <algorithm>

#include "adapters/cli/check/sha256.h"
#include "core/ascii.h"
#include "core/timestamp.h"

namespace mtasts::check {
namespace {

constexpr std::size_t kTimeDigits = 14;
constexpr std::size_t kHashDigits = 16;

}  // namespace

std::string make_record_id(WallTime now, std::string_view body) {
  std::string id = rfc3339(now);
  std::erase_if(id, [](char c) { return !ascii::is_digit(c); });
  return id + "h" + sha256_hex(body).substr(0, kHashDigits);
}

bool carries_hash(std::string_view id) {
  return id.size() == kTimeDigits + 1 + kHashDigits && id[kTimeDigits] == 'h' &&
         std::ranges::all_of(id.substr(0, kTimeDigits), ascii::is_digit) &&
         std::ranges::all_of(id.substr(kTimeDigits + 1),
                             [](char c) { return ascii::is_digit(c) || (c >= 'a' && c <= 'f'); });
}

bool is_id_of(std::string_view id, std::string_view body) {
  return sha256_hex(body).starts_with(id.substr(kTimeDigits + 1));
}

}  // namespace mtasts::check
