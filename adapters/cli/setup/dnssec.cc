#include "adapters/cli/setup/dnssec.h"

#include <arpa/nameser.h>
#include <resolv.h>

#include <array>

#include "module/engine/resolver_notes.h"

namespace mtasts::setup {
namespace {

// Is AD set in its reply? No reply has none.
bool answers_with_ad(struct __res_state& state, const char* name, ns_class of_class, ns_type type) {
  std::array<unsigned char, NS_MAXMSG> answer;  // NOLINT(cppcoreguidelines-pro-type-member-init): filled by libresolv
  const int size = ::res_nquery(&state, name, of_class, type, answer.data(), static_cast<int>(answer.size()));
  constexpr unsigned char kAuthenticData = 0x20;
  return size >= NS_HFIXEDSZ && (answer[3] & kAuthenticData) != 0;
}

}  // namespace

bool has_validating_resolver(const std::string& resolv_conf) {
  if (!ad_may_count(resolv_conf)) return false;
  struct __res_state state {};
  if (::res_ninit(&state) != 0) return false;
  state.options |= RES_USE_EDNS0 | RES_USE_DNSSEC;
#ifdef RES_TRUSTAD
  state.options |= RES_TRUSTAD;
#endif
  state.retry = 1;
  // The root zone is signed: a resolver that validates says so. What sets the bit everywhere sets it also where DNSSEC
  // does not exist.
  const bool validates =
      answers_with_ad(state, ".", ns_c_in, ns_t_soa) && !answers_with_ad(state, "version.bind", ns_c_chaos, ns_t_txt);
  ::res_nclose(&state);
  return validates;
}

}  // namespace mtasts::setup
