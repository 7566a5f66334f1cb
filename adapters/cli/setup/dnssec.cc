#include "adapters/cli/setup/dnssec.h"

#include <arpa/nameser.h>
#include <resolv.h>

#include <array>

#include "module/engine/resolver_notes.h"

namespace mtasts::setup {
namespace {

enum class Reply { kNone, kWithoutAd, kWithAd };

Reply reply_of(struct __res_state& state, const char* name, ns_class of_class, ns_type type) {
  std::array<unsigned char, NS_MAXMSG> answer;  // NOLINT(cppcoreguidelines-pro-type-member-init): filled by libresolv
  const int size = ::res_nquery(&state, name, of_class, type, answer.data(), static_cast<int>(answer.size()));
  constexpr unsigned char kAuthenticData = 0x20;
  if (size < NS_HFIXEDSZ) return Reply::kNone;  // nobody answered, or with a failure
  return (answer[3] & kAuthenticData) != 0 ? Reply::kWithAd : Reply::kWithoutAd;
}

}  // namespace

ResolverState look_at_resolver(const std::string& resolv_conf) {
  struct __res_state state {};
  if (::res_ninit(&state) != 0) return ResolverState::kSilent;
  state.options |= RES_USE_EDNS0 | RES_USE_DNSSEC;
#ifdef RES_TRUSTAD
  state.options |= RES_TRUSTAD;
#endif
  state.retry = 1;
  // The root zone is signed: a resolver that validates says so. What sets the bit everywhere sets it also where DNSSEC
  // does not exist.
  const Reply root = reply_of(state, ".", ns_c_in, ns_t_soa);
  const bool validates = root == Reply::kWithAd && ad_may_count(resolv_conf) &&
                         reply_of(state, "version.bind", ns_c_chaos, ns_t_txt) != Reply::kWithAd;
  ::res_nclose(&state);
  if (root == Reply::kNone) return ResolverState::kSilent;
  return validates ? ResolverState::kValidates : ResolverState::kAnswers;
}

}  // namespace mtasts::setup
