#include "core/utf8.h"

#include <cstddef>

namespace mtasts {
namespace {

// The length of a sequence with this first byte and the range of its second, as RFC 3629 §4 tabulates them.
struct Form {
  std::size_t length;
  unsigned char low;
  unsigned char high;
};

constexpr Form form_of(unsigned char first) {
  if (first < 0x80) return {1, 0, 0};
  if (first < 0xc2) return {0, 0, 0};
  if (first < 0xe0) return {2, 0x80, 0xbf};
  if (first == 0xe0) return {3, 0xa0, 0xbf};
  if (first == 0xed) return {3, 0x80, 0x9f};
  if (first < 0xf0) return {3, 0x80, 0xbf};
  if (first == 0xf0) return {4, 0x90, 0xbf};
  if (first < 0xf4) return {4, 0x80, 0xbf};
  if (first == 0xf4) return {4, 0x80, 0x8f};
  return {0, 0, 0};
}

}  // namespace

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    const Form form = form_of(static_cast<unsigned char>(text.front()));
    if (form.length == 0 || form.length > text.size()) return false;
    for (std::size_t i = 1; i < form.length; ++i) {
      const auto byte = static_cast<unsigned char>(text[i]);
      if (byte < (i == 1 ? form.low : 0x80) || byte > (i == 1 ? form.high : 0xbf)) return false;
    }
    text.remove_prefix(form.length);
  }
  return true;
}

}  // namespace mtasts
