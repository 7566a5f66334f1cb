#include "adapters/cli/check/sha256.h"

#include <openssl/sha.h>

#include <array>
#include <cstdint>

#include "core/ascii.h"

namespace mtasts::check {
namespace {

using Digest = std::array<unsigned char, SHA256_DIGEST_LENGTH>;

Digest digest_of(std::string_view bytes) {
  Digest digest{};
  ::SHA256(reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(), digest.data());
  return digest;
}

}  // namespace

std::string sha256_hex(std::string_view bytes) {
  const Digest digest = digest_of(bytes);
  return ascii::hex({reinterpret_cast<const char*>(digest.data()), digest.size()});
}

std::string sha256_base64(std::string_view bytes) {
  constexpr std::string_view kLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  std::uint32_t bits = 0;
  unsigned count = 0;
  for (const unsigned char byte : digest_of(bytes)) {
    bits = (bits << 8U) | byte;
    for (count += 8; count >= 6; count -= 6) text += kLetters[(bits >> (count - 6)) & 63U];
  }
  // 32 octets leave 4 bits, and one place of 44.
  return text + kLetters[(bits << (6 - count)) & 63U] + '=';
}

}  // namespace mtasts::check
