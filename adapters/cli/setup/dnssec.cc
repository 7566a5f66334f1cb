#include "adapters/cli/setup/dnssec.h"

#include <arpa/nameser.h>
#include <netdb.h>
#include <resolv.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <functional>
#include <memory>

#include "core/time.h"
#include "module/engine/resolver_notes.h"
#include "module/io/listen_socket.h"
#include "module/io/read_write.h"

namespace mtasts::setup {
namespace {

using std::chrono::steady_clock;

enum class Reply { kNone, kWithoutAd, kWithAd };
using Ask = std::function<Reply(const char* name, ns_class of_class, ns_type type)>;

constexpr unsigned char kAuthenticData = 0x20;  // of the fourth octet of a message

Reply reply_of(struct __res_state& state, const char* name, ns_class of_class, ns_type type) {
  std::array<unsigned char, NS_MAXMSG> answer;  // NOLINT(cppcoreguidelines-pro-type-member-init): filled by libresolv
  const int size = ::res_nquery(&state, name, of_class, type, answer.data(), static_cast<int>(answer.size()));
  if (size < NS_HFIXEDSZ) return Reply::kNone;  // nobody answered, or with a failure
  return (answer[3] & kAuthenticData) != 0 ? Reply::kWithAd : Reply::kWithoutAd;
}

// The root zone is signed: a resolver that validates says so. What sets the bit everywhere sets it also where DNSSEC
// does not exist.
ResolverState state_of(const Ask& ask, bool ad_may_count) {
  const Reply root = ask(".", ns_c_in, ns_t_soa);
  if (root == Reply::kNone) return ResolverState::kSilent;
  const bool validates =
      root == Reply::kWithAd && ad_may_count && ask("version.bind", ns_c_chaos, ns_t_txt) != Reply::kWithAd;
  return validates ? ResolverState::kValidates : ResolverState::kAnswers;
}

std::optional<ListenAddress> tcp_address(const ResolverAddress& resolver) {
  addrinfo hints{};
  hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;
  hints.ai_socktype = SOCK_STREAM;
  const std::string host = resolver.address.text() + (resolver.scope.empty() ? "" : "%" + resolver.scope);
  addrinfo* found = nullptr;
  if (::getaddrinfo(host.c_str(), std::to_string(resolver.port.value_or(NS_DEFAULTPORT)).c_str(), &hints, &found) != 0)
    return std::nullopt;
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owned(found, ::freeaddrinfo);
  ListenAddress address{.text = resolver.text(), .address = {}, .length = found->ai_addrlen};
  std::memcpy(&address.address, found->ai_addr, found->ai_addrlen);
  return address;
}

// A message over TCP has its length before it, in two octets (RFC 1035 §4.2.2). Its header is all that is read.
Reply reply_to(const std::string& question, const ListenAddress& resolver, SteadyTime deadline) {
  const auto socket = connect_to(resolver, deadline);
  if (!socket) return Reply::kNone;
  const std::string frame =
      std::string{static_cast<char>(question.size() >> 8U), static_cast<char>(question.size() & 0xffU)} + question;
  if (::send(socket->get(), frame.data(), frame.size(), MSG_NOSIGNAL) < 0) return Reply::kNone;
  std::string answer(NS_INT16SZ + NS_HFIXEDSZ, '\0');
  if (!read_all(socket->get(), answer) || answer.size() < NS_INT16SZ + NS_HFIXEDSZ) return Reply::kNone;
  const auto octet = [&answer](std::size_t place) { return static_cast<unsigned char>(answer[NS_INT16SZ + place]); };
  const bool has_answer = (octet(3) & 0x0fU) == ns_r_noerror && (octet(6) != 0 || octet(7) != 0);
  if (!has_answer) return Reply::kNone;
  return (octet(3) & kAuthenticData) != 0 ? Reply::kWithAd : Reply::kWithoutAd;
}

// AD in the question asks for AD in the reply (RFC 6840 §5.7).
Ask over_tcp(struct __res_state& state, const ListenAddress& resolver, std::chrono::seconds timeout) {
  return [&state, resolver, timeout](const char* name, ns_class of_class, ns_type type) {
    std::array<unsigned char, NS_PACKETSZ> question{};
    const int size = ::res_nmkquery(&state, ns_o_query, name, of_class, type, nullptr, 0, nullptr, question.data(),
                                    static_cast<int>(question.size()));
    if (size < NS_HFIXEDSZ) return Reply::kNone;
    question[3] |= kAuthenticData;
    return reply_to({question.begin(), question.begin() + size}, resolver, steady_clock::now() + timeout);
  };
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
  const auto ask = [&state](const char* name, ns_class of_class, ns_type type) {
    return reply_of(state, name, of_class, type);
  };
  const ResolverState found = state_of(ask, ad_may_count(resolv_conf));
  ::res_nclose(&state);
  return found;
}

ResolverState look_at_resolvers(const std::vector<ResolverAddress>& resolvers, std::chrono::seconds timeout,
                                bool ad_may_count) {
  struct __res_state state {};
  if (::res_ninit(&state) != 0) return ResolverState::kSilent;
  ResolverState found = ResolverState::kSilent;
  for (const ResolverAddress& resolver : resolvers) {
    const auto address = tcp_address(resolver);
    const ResolverState one =
        address ? state_of(over_tcp(state, *address, timeout), ad_may_count) : ResolverState::kSilent;
    if (one == ResolverState::kSilent) continue;
    found = found == ResolverState::kSilent ? one : std::min(found, one);
  }
  ::res_nclose(&state);
  return found;
}

}  // namespace mtasts::setup
