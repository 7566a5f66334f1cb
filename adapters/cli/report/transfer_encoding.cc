#include "adapters/cli/report/transfer_encoding.h"

#include <cstdint>

#include "core/ascii.h"
#include "core/result.h"

namespace mtasts::report {
namespace {

constexpr bool is_space(char c) { return ascii::is_blank(c) || c == '\r' || c == '\n'; }

int sextet(char c) {
  if (ascii::is_upper(c)) return c - 'A';
  if (ascii::is_alpha(c)) return c - 'a' + 26;
  if (ascii::is_digit(c)) return c - '0' + 52;
  return c == '+' ? 62 : c == '/' ? 63 : -1;
}

// White space may stand anywhere, padding at the end only, and exactly as much as is due.
Read<std::string> decode_base64(std::string_view bytes) {
  std::string out;
  out.reserve(bytes.size() / 4 * 3);
  std::uint32_t bits = 0;
  std::size_t digits = 0;
  std::size_t padding = 0;
  for (const char c : bytes) {
    if (is_space(c)) continue;
    if (c == '=') {
      ++padding;
      continue;
    }
    const int value = sextet(c);
    if (value < 0 || padding > 0) return refuse("the base64 text of the attachment is damaged");
    bits = (bits << 6U) | static_cast<std::uint32_t>(value);
    if (++digits % 4 != 1) out += static_cast<char>((bits >> (6U - 2U * ((digits - 1) % 4))) & 0xffU);
  }
  if ((digits + padding) % 4 != 0 || padding > 2) return refuse("the base64 text of the attachment is cut off");
  return out;
}

int hex(char c) {
  if (!ascii::is_hex(c)) return -1;
  return ascii::is_digit(c) ? c - '0' : ascii::lower(c) - 'a' + 10;
}

// One line without its end; false if an "=" in it begins neither a byte nor a soft line break.
bool append_quoted_line(std::string& out, std::string_view line) {
  while (!line.empty()) {
    const std::size_t plain = std::min(line.find('='), line.size());
    out += line.substr(0, plain);
    line.remove_prefix(plain);
    if (line.empty()) break;
    if (line.size() < 3 || hex(line[1]) < 0 || hex(line[2]) < 0) return false;
    out += static_cast<char>(hex(line[1]) * 16 + hex(line[2]));
    line.remove_prefix(3);
  }
  return true;
}

Read<std::string> decode_quoted_printable(std::string_view bytes) {
  std::string out;
  out.reserve(bytes.size());
  while (!bytes.empty()) {
    const std::size_t end = bytes.find('\n');
    std::string_view line = bytes.substr(0, end);
    bytes.remove_prefix(end == std::string_view::npos ? bytes.size() : end + 1);
    while (!line.empty() && is_space(line.back())) line.remove_suffix(1);  // added on the way (rule 3)
    const bool goes_on = line.ends_with('=');
    if (goes_on) line.remove_suffix(1);
    if (!append_quoted_line(out, line)) return refuse("the quoted-printable text of the attachment is damaged");
    if (!goes_on && end != std::string_view::npos) out += '\n';
  }
  return out;
}

}  // namespace

Read<std::string> decode_transfer(std::string_view bytes, std::string_view encoding) {
  if (encoding == "base64") return decode_base64(bytes);
  if (encoding == "quoted-printable") return decode_quoted_printable(bytes);
  if (encoding.empty() || encoding == "7bit" || encoding == "8bit" || encoding == "binary") return std::string(bytes);
  return refuse("the attachment has the unknown transfer encoding " + escaped(encoding, 40));
}

}  // namespace mtasts::report
