#include "module/answer.h"

#include <algorithm>
#include <array>

#include "core/cache_entry.h"

namespace mtasts {
namespace {

constexpr std::string_view kMagic = "mtasts-answer 1 ";
constexpr std::array<std::string_view, 5> kProgress{"settled", "record-pending", "fetch-pending", "not-asked",
                                                    "dane-pending"};

tl::unexpected<Error> unusable() {
  return fail(ErrorCode::kEngine,
              "the lookup child ended without a usable answer; its log lines (facility mail) say why");
}

bool is_printable(char c) { return c >= 0x20 && c <= 0x7e; }

// Details are escaped already (core/result.h); whatever slipped through must not end the line.
std::string one_line(std::string text) {
  if (text.size() > 900) text.resize(900);
  for (char& c : text) {
    if (!is_printable(c)) c = '?';
  }
  return text;
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
  out += answer->from_cache ? " cache\n" : " network\n";
  return out + serialize(answer->entry);
}

Result<Outcome> parse_answer(std::string_view bytes, const Domain& expected) {
  if (bytes.size() > kMaxAnswerBytes || !bytes.starts_with(kMagic)) return unusable();
  bytes.remove_prefix(kMagic.size());
  const auto kind = take(bytes, ' ');
  if (kind == "error") {
    const auto code = error_code(take(bytes, ' '));
    const auto detail = take(bytes, '\n');
    if (!code || !bytes.empty() || detail.empty() || !std::all_of(detail.begin(), detail.end(), is_printable))
      return unusable();
    return fail(*code, std::string(detail));
  }
  for (std::size_t i = 0; i < kProgress.size(); ++i) {
    if (kind != kProgress[i]) continue;
    const auto source = take(bytes, '\n');
    if (source != "cache" && source != "network") return unusable();
    auto entry = parse_cache_entry(bytes, expected);
    if (!entry || !*entry) return unusable();
    return Outcome{std::move(**entry), static_cast<Outcome::Progress>(i), source == "cache"};
  }
  return unusable();
}

}  // namespace mtasts
