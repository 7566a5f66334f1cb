#include "dns/wire.h"

#include <cstddef>
#include <optional>

namespace mtasts {
namespace {

constexpr std::size_t kHeader = 12;
constexpr std::size_t kTypeAndClass = 4;
constexpr std::size_t kTypeToLength = 10;  // of a record: type, class, TTL, length of the data
constexpr std::size_t kMaxName = 255;
constexpr int kMaxPointers = 128;  // more than a name has labels

std::size_t octet(std::string_view message, std::size_t at) { return static_cast<unsigned char>(message[at]); }

std::size_t u16(std::string_view message, std::size_t at) { return octet(message, at) << 8 | octet(message, at + 1); }

// Where the name at `at` ends, if it is one. Each pointer must lead to before the part of the name that it ends.
std::optional<std::size_t> end_of_name(std::string_view message, std::size_t at) {
  std::optional<std::size_t> end;
  std::size_t unpacked = 1;
  int pointers = 0;
  for (std::size_t part = at;;) {
    if (at >= message.size()) return std::nullopt;
    const std::size_t length = octet(message, at);
    if (length == 0) return end ? end : at + 1;
    if (length < 0x40) {
      at += 1 + length;
      unpacked += 1 + length;
      if (unpacked > kMaxName) return std::nullopt;
      continue;
    }
    if (length < 0xc0 || at + 2 > message.size()) return std::nullopt;
    if (!end) end = at + 2;
    at = u16(message, at) & 0x3fff;
    if (at >= part || at < kHeader || ++pointers > kMaxPointers) return std::nullopt;
    part = at;
  }
}

}  // namespace

bool is_well_framed(std::string_view message) {
  if (message.size() < kHeader) return false;
  std::size_t at = kHeader;
  for (std::size_t questions = u16(message, 4); questions > 0; --questions) {
    const auto end = end_of_name(message, at);
    if (!end || message.size() - *end < kTypeAndClass) return false;
    at = *end + kTypeAndClass;
  }
  for (std::size_t records = u16(message, 6) + u16(message, 8) + u16(message, 10); records > 0; --records) {
    const auto end = end_of_name(message, at);
    if (!end || message.size() - *end < kTypeToLength) return false;
    at = *end + kTypeToLength;
    const std::size_t length = u16(message, at - 2);
    if (message.size() - at < length) return false;
    at += length;
  }
  return at == message.size();
}

}  // namespace mtasts
