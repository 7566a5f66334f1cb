#include "module/helper/answer.h"

#include <algorithm>
#include <array>

#include "core/ascii.h"
#include "core/cache_entry.h"

namespace mtasts {
namespace {

constexpr std::string_view kMagic = "mtasts-answer 1 ";
constexpr std::array<std::string_view, 6> kProgress{"settled",   "record-pending", "fetch-pending",
                                                    "not-tried", "not-asked",      "dane-pending"};
constexpr std::size_t kMaxDetail = 900;

tl::unexpected<Error> unusable(ErrorCode code = ErrorCode::kInternal) {
  return fail(code, "the lookup child ended without a usable answer; its log lines (facility mail) say why");
}

// Details are escaped already (core/result.h); whatever slipped through must not end the line.
std::string one_line(std::string text) {
  if (text.size() > kMaxDetail) text.resize(kMaxDetail);
  for (char& c : text) {
    if (!ascii::is_printable(c)) c = '?';
  }
  return text;
}

std::string error_words(const Error& error) {
  return std::string(error_name(error.code)) + " " + one_line(error.detail);
}

// What error_words() wrote.
std::optional<Error> read_error(std::string_view words) {
  const auto name = words.substr(0, words.find(' '));
  const auto detail = words.substr(std::min(name.size() + 1, words.size()));
  const auto code = error_code(name);
  if (!code || detail.empty() || detail.size() > kMaxDetail ||
      !std::all_of(detail.begin(), detail.end(), ascii::is_printable))
    return std::nullopt;
  return Error{*code, std::string(detail)};
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
  if (!answer) return out + "error " + error_words(answer.error()) + "\n";
  out += kProgress[static_cast<std::size_t>(answer->progress)];
  out += answer->from_cache ? " cache" : " network";
  if (answer->fault) out += " " + error_words(*answer->fault);
  return out + "\n" + serialize(answer->entry);
}

Result<Outcome> parse_answer(std::string_view bytes, const Domain& expected) {
  if (bytes.empty()) return unusable(ErrorCode::kLocalFault);
  if (bytes.size() > kMaxAnswerBytes || !bytes.starts_with(kMagic)) return unusable();
  bytes.remove_prefix(kMagic.size());
  const auto kind = take(bytes, ' ');
  if (kind == "error") {
    const auto error = read_error(take(bytes, '\n'));
    if (!error || !bytes.empty()) return unusable();
    return tl::unexpected(*error);
  }
  for (std::size_t i = 0; i < kProgress.size(); ++i) {
    if (kind != kProgress[i]) continue;
    const auto line = take(bytes, '\n');
    const auto source = line.substr(0, line.find(' '));
    if (source != "cache" && source != "network") return unusable();
    const auto progress = static_cast<Outcome::Progress>(i);
    auto fault = read_error(line.substr(std::min(source.size() + 1, line.size())));
    const bool is_not_tried = progress == Outcome::Progress::kNotTried;
    if (is_not_tried ? !fault || !is_ours(fault->code) : source.size() != line.size()) return unusable();
    auto entry = parse_cache_entry(bytes, expected);
    if (!entry) return unusable();
    return Outcome{std::move(*entry), progress, source == "cache", std::move(fault)};
  }
  return unusable();
}

}  // namespace mtasts
