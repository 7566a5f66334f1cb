#include "module/answer.h"

#include <algorithm>
#include <array>

#include "core/cache_entry.h"

namespace mtasts {
namespace {

constexpr std::string_view kMagic = "mtasts-answer 1 ";
constexpr std::array<std::string_view, 6> kProgress{"settled",         "record-pending", "fetch-pending",
                                                    "fetch-not-tried", "not-asked",      "dane-pending"};
constexpr std::size_t kMaxDetail = 900;

tl::unexpected<Error> unusable(ErrorCode code = ErrorCode::kInternal) {
  return fail(code, "the lookup child ended without a usable answer; its log lines (facility mail) say why");
}

bool is_printable(char c) { return c >= 0x20 && c <= 0x7e; }

// Details are escaped already (core/result.h); whatever slipped through must not end the line.
std::string one_line(std::string text) {
  if (text.size() > kMaxDetail) text.resize(kMaxDetail);
  for (char& c : text) {
    if (!is_printable(c)) c = '?';
  }
  return text;
}

bool is_detail(std::string_view text) {
  return !text.empty() && text.size() <= kMaxDetail && std::all_of(text.begin(), text.end(), is_printable);
}

// Takes the bytes up to `end` off the front of `rest`.
std::string_view take(std::string_view& rest, char end) {
  const auto at = rest.find(end);
  if (at == std::string_view::npos) return {};
  const auto word = rest.substr(0, at);
  rest.remove_prefix(at + 1);
  return word;
}

}  // namespace

std::string encode_answer(const Result<Outcome>& answer) {
  std::string out(kMagic);
  if (!answer)
    return out + "error " + std::string(error_name(answer.error().code)) + " " + one_line(answer.error().detail) + "\n";
  out += kProgress[static_cast<std::size_t>(answer->progress)];
  out += answer->from_cache ? " cache" : " network";
  if (!answer->detail.empty()) out += " " + one_line(answer->detail);
  return out + "\n" + serialize(answer->entry);
}

Result<Outcome> parse_answer(std::string_view bytes, const Domain& expected) {
  if (bytes.empty()) return unusable(ErrorCode::kLocalFault);
  if (bytes.size() > kMaxAnswerBytes || !bytes.starts_with(kMagic)) return unusable();
  bytes.remove_prefix(kMagic.size());
  const auto kind = take(bytes, ' ');
  if (kind == "error") {
    const auto code = error_code(take(bytes, ' '));
    const auto detail = take(bytes, '\n');
    if (!code || !bytes.empty() || !is_detail(detail)) return unusable();
    return fail(*code, std::string(detail));
  }
  for (std::size_t i = 0; i < kProgress.size(); ++i) {
    if (kind != kProgress[i]) continue;
    const auto line = take(bytes, '\n');
    const auto source = line.substr(0, line.find(' '));
    if (source != "cache" && source != "network") return unusable();
    const auto detail = line.substr(source.size());
    if (!detail.empty() && !is_detail(detail.substr(1))) return unusable();
    auto entry = parse_cache_entry(bytes, expected);
    if (!entry || !*entry) return unusable();
    return Outcome{std::move(**entry), static_cast<Outcome::Progress>(i), source == "cache",
                   std::string(detail.empty() ? detail : detail.substr(1))};
  }
  return unusable();
}

}  // namespace mtasts
