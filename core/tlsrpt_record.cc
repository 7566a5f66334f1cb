#include "core/tlsrpt_record.h"

#include <algorithm>
#include <string_view>

#include "core/ascii.h"

namespace mtasts {
namespace {

constexpr std::string_view kVersion = "v=TLSRPTv1";

// Takes what comes before the next `separator`, or all, off the front of `text`.
std::string_view take(std::string_view& text, char separator) {
  const std::size_t end = std::min(text.find(separator), text.size());
  const std::string_view taken = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return ascii::trimmed(taken);
}

// What does not begin so does not count at all.
bool is_ours(std::string_view text) {
  return text.starts_with(kVersion) && ascii::trimmed(text.substr(kVersion.size())).starts_with(';');
}

bool is_text(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return ascii::is_printable(c) || ascii::is_blank(c); });
}

bool is_destination(std::string_view uri) {
  const auto has = [&](std::string_view scheme) {
    return uri.size() > scheme.size() && ascii::lower(uri.substr(0, scheme.size())) == scheme;
  };
  return has("mailto:") || has("https://");
}

// Those of the first field `rua` that can be used, schemes in small letters. Others do not count.
std::vector<std::string> destinations(std::string_view fields) {
  std::vector<std::string> usable;
  while (!fields.empty()) {
    std::string_view value = take(fields, ';');
    if (take(value, '=') != "rua") continue;
    while (!value.empty()) {
      const std::string_view uri = take(value, ',');
      const std::size_t scheme = std::min(uri.find(':'), uri.size());
      if (is_destination(uri)) usable.push_back(ascii::lower(uri.substr(0, scheme)) + std::string(uri.substr(scheme)));
    }
    break;
  }
  return usable;
}

}  // namespace

std::optional<std::string> tlsrpt_record(const std::vector<std::string>& texts) {
  if (std::ranges::count_if(texts, is_ours) != 1) return std::nullopt;
  const std::string& record = *std::ranges::find_if(texts, is_ours);
  const bool is_good = record.size() <= kMaxTlsrptRecord && is_text(record) &&
                       !destinations(std::string_view(record).substr(kVersion.size())).empty();
  return is_good ? std::optional(record) : std::nullopt;
}

std::string plain_tlsrpt_record(const std::string& record) {
  std::string rua = "rua=";
  for (const std::string& uri : destinations(std::string_view(record).substr(kVersion.size())))
    rua.append(rua == "rua=" ? "" : ",").append(uri);
  std::string_view fields(record);
  const bool is_plain =
      fields.starts_with(std::string(kVersion) + ';') && (take(fields, ';'), take(fields, ';') == rua);
  return is_plain ? record : std::string(kVersion) + "; " + rua;
}

}  // namespace mtasts
