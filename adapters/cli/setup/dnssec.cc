#include "adapters/cli/setup/dnssec.h"

#include <arpa/nameser.h>
#include <resolv.h>

#include <array>
#include <sstream>

namespace mtasts::setup {

bool only_loopback_resolvers(const std::string& resolv_conf) {
  std::istringstream lines(resolv_conf);
  bool any = false;
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string key;
    std::string address;
    words >> key >> address;
    if (key != "nameserver") continue;
    if (!address.starts_with("127.") && address != "::1") return false;
    any = true;
  }
  return any;
}

bool has_validating_resolver(const std::string& resolv_conf) {
  if (!only_loopback_resolvers(resolv_conf)) return false;
  struct __res_state state {};
  if (::res_ninit(&state) != 0) return false;
  state.options |= RES_USE_EDNS0 | RES_USE_DNSSEC;
#ifdef RES_TRUSTAD
  state.options |= RES_TRUSTAD;
#endif
  state.retry = 1;
  std::array<unsigned char, NS_MAXMSG> answer;
  // The root zone is signed: a resolver that validates says so.
  const int size = ::res_nquery(&state, ".", ns_c_in, ns_t_soa, answer.data(), static_cast<int>(answer.size()));
  ::res_nclose(&state);
  constexpr unsigned char kAuthenticData = 0x20;
  return size >= NS_HFIXEDSZ && (answer[3] & kAuthenticData) != 0;
}

}  // namespace mtasts::setup
