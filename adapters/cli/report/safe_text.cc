#include "adapters/cli/report/safe_text.h"

#include <langinfo.h>
#include <locale.h>

#include <array>

#include "core/utf8.h"

namespace mtasts::report {
namespace {

constexpr std::string_view kReplacement = "\xef\xbf\xbd";  // U+FFFD

struct Range {
  char32_t first;
  char32_t last;
};

// One column each: Latin, Greek, Cyrillic, without combining marks.
constexpr std::array kNarrow{Range{0x20, 0x7e},     Range{0xa1, 0xac},     Range{0xae, 0x2ff},
                             Range{0x370, 0x377},   Range{0x37a, 0x37f},   Range{0x384, 0x3ff},
                             Range{0x400, 0x482},   Range{0x48a, 0x52f},   Range{0x1e00, 0x1eff},
                             Range{0x2010, 0x2027}, Range{0x20a0, 0x20bf}, Range{0x2100, 0x214f}};
// Two columns each: kana, Han, Hangul.
constexpr std::array kWide{Range{0x3041, 0x3096}, Range{0x30a1, 0x30ff}, Range{0x4e00, 0x9fff}, Range{0xac00, 0xd7a3}};
// Seen by nobody, or changing how others are seen: controls, soft hyphen, directions, zero width, line ends, tags.
constexpr std::array kHidden{Range{0x00, 0x1f},      Range{0x7f, 0x9f},     Range{0xad, 0xad},
                             Range{0x61c, 0x61c},    Range{0x200b, 0x200f}, Range{0x2028, 0x202e},
                             Range{0x2060, 0x206f},  Range{0xfeff, 0xfeff}, Range{0xfff9, 0xfffb},
                             Range{0xe0000, 0xe0fff}};

template <std::size_t kSize>
bool is_in(const std::array<Range, kSize>& ranges, char32_t point) {
  for (const Range& range : ranges) {
    if (point >= range.first && point <= range.last) return true;
  }
  return false;
}

// A character off the front of `text`; its bytes alone, or one byte that is no UTF-8.
std::string_view take(std::string_view& text) {
  std::size_t length = 1;
  while (length < 4 && length < text.size() && !is_utf8(text.substr(0, length))) ++length;
  if (!is_utf8(text.substr(0, length))) length = 1;
  const std::string_view character = text.substr(0, length);
  text.remove_prefix(length);
  return character;
}

// U+0000, which is shown nowhere, for what is no UTF-8.
char32_t point_of(std::string_view character) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(character[i]); };
  if (character.size() == 1) return byte(0) < 0x80 ? byte(0) : 0;
  char32_t point = byte(0) & (0xffU >> (character.size() + 1));
  for (std::size_t i = 1; i < character.size(); ++i) point = (point << 6U) | (byte(i) & 0x3fU);
  return point;
}

std::string_view markup(char32_t point) {
  switch (point) {
    case '&':
      return "&amp;";
    case '<':
      return "&lt;";
    case '>':
      return "&gt;";
    case '"':
      return "&quot;";
    case '\'':
      return "&#39;";
    default:
      return {};
  }
}

}  // namespace

Charset charset_of_locale() {
  const locale_t locale = ::newlocale(LC_CTYPE_MASK, "", nullptr);
  if (locale == nullptr) return Charset::kAscii;
  const bool is_utf8_locale = std::string_view(::nl_langinfo_l(CODESET, locale)) == "UTF-8";
  ::freelocale(locale);
  return is_utf8_locale ? Charset::kUtf8 : Charset::kAscii;
}

std::string for_terminal(std::string_view text, std::size_t width, Charset charset) {
  constexpr std::string_view kMore = "...";
  std::string out;
  std::size_t used = 0;
  std::size_t fitting = 0;  // bytes of `out` that leave room for kMore
  while (!text.empty()) {
    std::string_view character = take(text);
    const char32_t point = point_of(character);
    const bool is_wide = is_in(kWide, point);
    const bool is_shown = (is_wide || is_in(kNarrow, point)) && (charset == Charset::kUtf8 || point < 0x80);
    if (!is_shown) character = "?";
    used += is_wide && is_shown ? 2 : 1;
    if (used > width) return out.substr(0, fitting).append(kMore.substr(0, width));
    out += character;
    if (used + kMore.size() <= width) fitting = out.size();
  }
  return out;
}

std::size_t columns(std::string_view text) {
  std::size_t count = 0;
  while (!text.empty()) count += is_in(kWide, point_of(take(text))) ? 2 : 1;
  return count;
}

std::string for_html(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const std::string_view character = take(text);
    const char32_t point = point_of(character);
    const std::string_view escape = markup(point);
    out += !escape.empty() ? escape : is_in(kHidden, point) ? kReplacement : character;
  }
  return out;
}

}  // namespace mtasts::report
