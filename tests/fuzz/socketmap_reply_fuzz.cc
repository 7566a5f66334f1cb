// Any policy file on its way into a reply: whatever it holds, the reply has the attributes that it may have, each with
// a value that cannot be taken for another, and no second reply.
#include <algorithm>
#include <string>

#include "adapters/socketmap/reply.h"
#include "core/utf8.h"
#include "tests/fuzz/fuzz.h"

using mtasts::CacheEntry;
using mtasts::DaneAnswer;
using mtasts::fuzz::require;
using mtasts::socketmap::Map;

namespace {

const mtasts::WallTime kNow{std::chrono::seconds{1'764'000'000}};

mtasts::Decision decision_of(std::string_view body, mtasts::Policy policy) {
  policy.max_age = mtasts::kMaxPolicyAge;
  CacheEntry entry{mtasts::Domain::parse("example.com").value(),
                   {mtasts::RecordMemory::State::kFound, kNow, "1", {}},
                   mtasts::StoredPolicy{"1", kNow, std::string(body), std::move(policy)},
                   std::nullopt};
  return mtasts::decide(mtasts::Outcome{std::move(entry)}, {}, kNow);
}

bool is_name(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '*';
  });
}

// Takes `prefix` from the front.
bool take(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

std::string_view take_until(std::string_view& text, char end) {
  const std::string_view part = text.substr(0, text.find(end));
  text.remove_prefix(part.size());
  return part;
}

void check_match(std::string_view list) {
  while (!list.empty()) {
    require(is_name(take_until(list, ':')), "a name to match");
    take(list, ":");
  }
}

// In an attribute that is written with braces: what ends it or begins another, and line ends.
constexpr std::string_view kHarmful{"{\r\n\0", 4};

// The reply as its readers split it.
void check_secure(std::string_view text, bool with_policy) {
  require(take(text, "OK secure match="), "the level");
  check_match(take_until(text, ' '));
  require(take(text, " servername=hostname"), "the server name");
  if (text.empty()) return;  // no policy goes along, or one too large to
  require(with_policy && take(text, " policy_type=sts policy_domain=example.com"), "the kind of policy");
  std::size_t strings = 0;
  for (; take(text, " { policy_string = "); ++strings) {
    const std::string_view value = take_until(text, '}');
    require(value.find_first_of(kHarmful) == std::string_view::npos && mtasts::is_utf8(value),
            "the value of an attribute");
    require(value.find_first_not_of(" \t") != std::string_view::npos, "an attribute has a value");
    require(take(text, "}"), "the end of an attribute");
  }
  std::size_t patterns = 0;
  for (; take(text, " mx_host_pattern="); ++patterns) require(is_name(take_until(text, ' ')), "a pattern");
  require(strings >= 3 && patterns >= 1, "the policy is whole");
  require(text.empty(), "nothing else");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view body = mtasts::fuzz::text(data, size);
  const auto policy = mtasts::parse_policy(body);
  if (!policy) return 0;
  const mtasts::Decision decision = decision_of(body, *policy);
  for (const Map map : {Map::kPostfix, Map::kPostfixTlsrpt, Map::kSendmail}) {
    const std::string text = reply_for(map, decision, DaneAnswer::kNotFound).text;
    require(text.size() <= mtasts::socketmap::kMaxReply, "what Postfix takes");
    if (policy->mode == mtasts::Mode::kEnforce)
      check_secure(text, map == Map::kPostfixTlsrpt);
    else
      require(text == "NOTFOUND ", "R27, R28");
  }
  return 0;
}
