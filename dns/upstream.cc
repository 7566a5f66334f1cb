#include "dns/upstream.h"

#include <getdns/getdns.h>
#include <getdns/getdns_extra.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <utility>

#include "dns/getdns_loop.h"

namespace mtasts {
namespace {

constexpr std::uint16_t kPortTcp = 53;
constexpr std::uint16_t kPortTls = 853;
constexpr std::uint32_t kClassChaos = 3;

struct DictDestroy {
  void operator()(getdns_dict* dict) const { getdns_dict_destroy(dict); }
};
struct ListDestroy {
  void operator()(getdns_list* list) const { getdns_list_destroy(list); }
};
struct ContextDestroy {
  void operator()(getdns_context* context) const { getdns_context_destroy(context); }
};
using DictPtr = std::unique_ptr<getdns_dict, DictDestroy>;
using ListPtr = std::unique_ptr<getdns_list, ListDestroy>;
using ContextPtr = std::unique_ptr<getdns_context, ContextDestroy>;

getdns_return_t set_bytes(getdns_dict* dict, const char* name, const void* data, std::size_t size) {
  const getdns_bindata value{.size = size, .data = static_cast<std::uint8_t*>(const_cast<void*>(data))};
  return getdns_dict_set_bindata(dict, name, &value);
}

// One entry for getdns_context_set_upstream_recursive_servers().
ListPtr server_list(const ResolverAddress& address, std::uint16_t port) {
  const DictPtr server(getdns_dict_create());
  const auto octets = address.address.octets();
  set_bytes(server.get(), "address_type", address.address.is_ipv4() ? "IPv4" : "IPv6", 4);
  set_bytes(server.get(), "address_data", octets.data(), octets.size());
  if (!address.scope.empty()) set_bytes(server.get(), "scope_id", address.scope.data(), address.scope.size());
  getdns_dict_set_int(server.get(), "port", port);
  getdns_dict_set_int(server.get(), "tls_port", port);
  ListPtr list(getdns_list_create());
  getdns_list_set_dict(list.get(), 0, server.get());
  return list;
}

// A stub that asks this one server over this one transport and does nothing else: no search list, no hosts file, no
// validation of its own (and so no trust anchors, which getdns would fetch from the internet).
getdns_return_t configure(getdns_context* context, ResolverConfig::Transport transport, std::chrono::seconds timeout,
                          getdns_list* servers) {
  getdns_namespace_t dns_only = GETDNS_NAMESPACE_DNS;
  getdns_transport_list_t only =
      transport == ResolverConfig::Transport::kTls ? GETDNS_TRANSPORT_TLS : GETDNS_TRANSPORT_TCP;
  const auto timeout_ms = static_cast<std::uint64_t>(std::chrono::milliseconds(timeout).count());
  getdns_return_t r = getdns_context_set_resolution_type(context, GETDNS_RESOLUTION_STUB);
  if (r == GETDNS_RETURN_GOOD) r = getdns_context_set_namespaces(context, 1, &dns_only);
  if (r == GETDNS_RETURN_GOOD) r = getdns_context_set_append_name(context, GETDNS_APPEND_NAME_NEVER);
  if (r == GETDNS_RETURN_GOOD) r = getdns_context_set_dns_transport_list(context, 1, &only);
  // The configuration has an address for a resolver, no name: a certificate cannot be held against it. TLS keeps the
  // questions from those who only listen (RFC 7858 §4.1, opportunistic); there is no way back to clear text.
  if (r == GETDNS_RETURN_GOOD) r = getdns_context_set_tls_authentication(context, GETDNS_AUTHENTICATION_NONE);
  if (r == GETDNS_RETURN_GOOD) r = getdns_context_set_timeout(context, timeout_ms);
  if (r == GETDNS_RETURN_GOOD) r = getdns_context_set_upstream_recursive_servers(context, servers);
  return r;
}

// AD in the question asks for AD in the reply (RFC 6840 §5.7).
DictPtr extensions(Upstream::Manner manner) {
  const DictPtr header(getdns_dict_create());
  getdns_dict_set_int(header.get(), "rd", manner == Upstream::Manner::kAuthority ? 0 : 1);
  getdns_dict_set_int(header.get(), "ad", 1);
  DictPtr extensions(getdns_dict_create());
  getdns_dict_set_dict(extensions.get(), "header", header.get());
  if (manner == Upstream::Manner::kChaos) getdns_dict_set_int(extensions.get(), "specify_class", kClassChaos);
  if (manner == Upstream::Manner::kWithSignatures) {
    const DictPtr options(getdns_dict_create());
    getdns_dict_set_int(options.get(), "do_bit", 1);
    getdns_dict_set_dict(extensions.get(), "add_opt_parameters", options.get());
  }
  return extensions;
}

// Of a socket. A link-local server lacks its scope, and connect(2) refuses that.
std::pair<sockaddr_storage, socklen_t> socket_address(const ResolverAddress& server) {
  sockaddr_storage storage{};
  const auto octets = server.address.octets();
  if (server.address.is_ipv4()) {
    auto& address = reinterpret_cast<sockaddr_in&>(storage);
    address.sin_family = AF_INET;
    address.sin_port = htons(*server.port);
    std::memcpy(&address.sin_addr, octets.data(), octets.size());
    return {storage, sizeof address};
  }
  auto& address = reinterpret_cast<sockaddr_in6&>(storage);
  address.sin6_family = AF_INET6;
  address.sin6_port = htons(*server.port);
  std::memcpy(&address.sin6_addr, octets.data(), octets.size());
  return {storage, sizeof address};
}

// What socket(2) and connect(2) say: an errno, or 0.
struct Attempt {
  int socket = 0;
  int connect = 0;
};

Attempt connect_by(int type, const std::pair<sockaddr_storage, socklen_t>& to) {
  const int fd = ::socket(to.first.ss_family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return {.socket = errno == EAFNOSUPPORT ? 0 : errno};
  const int error = ::connect(fd, reinterpret_cast<const sockaddr*>(&to.first), to.second) == 0 ? 0 : errno;
  ::close(fd);
  return {.connect = error};
}

// Why this process cannot connect to anybody now, or empty. The sandbox of the helper leaves it connect(2) to find that
// out, and not bind(2). EADDRNOTAVAIL may also be the want of an address of ours, as without IPv6: then a datagram
// socket, which sends nothing, cannot be connected either.
std::string connect_fault(const ResolverAddress& server) {
  const auto to = socket_address(server);
  const Attempt made = connect_by(SOCK_STREAM, to);
  if (made.socket != 0) return std::string("no socket can be had: ") + std::strerror(made.socket);
  if (made.connect == ENOBUFS || made.connect == ENOMEM)
    return std::string("no connection can be had: ") + std::strerror(made.connect);
  const bool lacks_port = made.connect == EADDRNOTAVAIL && connect_by(SOCK_DGRAM, to).connect == 0;
  return lacks_port ? "no local port is free" : "";
}

}  // namespace

struct Upstream::Context {
  GetdnsLoop& loop;
  ContextPtr getdns;  // destroyed first
  std::size_t under_way = 0;
  std::uint64_t answers = 0;
  std::uint64_t reads = 0;  // of the loop when the last answer came
  bool spoilt = false;

  // Is what comes next read from its beginning? Whatever was read while nobody waited may have been cut off.
  [[nodiscard]] bool is_good() const { return !spoilt && (under_way > 0 || answers == 0 || reads == loop.reads()); }
};

// What getdns carries from a question to its answer.
struct Upstream::Asked {
  Context& context;
  const ResolverAddress& server;
  Done done;
  std::uint64_t answers_before;
  SteadyTime begun = std::chrono::steady_clock::now();

  // getdns does not tell why it had no connection. A server that hangs up later is busy: it is not connected to once
  // more for that.
  [[nodiscard]] Error no_connection(const std::string& detail) const {
    constexpr std::chrono::milliseconds kAtOnce{100};
    const bool was_at_once = std::chrono::steady_clock::now() - begun < kAtOnce;
    const std::string fault = was_at_once ? connect_fault(server) : "";
    return fault.empty() ? Error{ErrorCode::kDnsUnreachable, detail} : Error{ErrorCode::kLocalFault, fault};
  }
  static void answered(getdns_context* context, getdns_callback_type_t outcome, getdns_dict* response, void* userarg,
                       getdns_transaction_t id) noexcept;
};

void Upstream::Asked::answered(getdns_context* /*context*/, getdns_callback_type_t outcome, getdns_dict* response,
                               void* userarg, getdns_transaction_t /*id*/) noexcept {
  const DictPtr reply(response);
  const std::unique_ptr<Asked> asked(static_cast<Asked*>(userarg));
  if (outcome == GETDNS_CALLBACK_CANCEL) return;  // the context is being destroyed
  if (outcome == GETDNS_CALLBACK_TIMEOUT)
    on_outcome(*asked, fail(ErrorCode::kDnsTimeout, "gave no answer in time"));
  else if (outcome != GETDNS_CALLBACK_COMPLETE || !reply)
    on_outcome(*asked, tl::unexpected(asked->no_connection("cannot be reached or hung up")));
  else
    on_outcome(*asked, reply.get());
}

void Upstream::on_outcome(const Asked& asked, Result<const getdns_dict*> outcome) {
  Context& context = asked.context;
  --context.under_way;
  if (outcome) {
    ++context.answers;
    context.reads = context.loop.reads();
  } else if (outcome.error().code != ErrorCode::kDnsTimeout || context.answers == asked.answers_before) {
    // A timeout among answers is the matter of one name, not of the connection.
    context.spoilt = true;
  }
  asked.done(std::move(outcome));
}

Upstream::Upstream(GetdnsLoop& loop, ResolverAddress address, const ResolverConfig& config)
    : loop_(loop), address_(std::move(address)), transport_(config.transport), timeout_(config.timeout) {
  if (!address_.port) address_.port = transport_ == ResolverConfig::Transport::kTls ? kPortTls : kPortTcp;
}

Upstream::~Upstream() = default;

std::string Upstream::text() const { return address_.text(); }

Result<Upstream::Context*> Upstream::context() {
  if (!contexts_.empty() && contexts_.back()->is_good()) return contexts_.back().get();
  std::erase_if(contexts_, [](const auto& context) { return context->under_way == 0; });
  auto made = make_context();
  if (!made) return tl::unexpected(made.error());
  contexts_.push_back(std::move(*made));
  return contexts_.back().get();
}

Result<std::unique_ptr<Upstream::Context>> Upstream::make_context() {
  getdns_context* made = nullptr;
  getdns_return_t r = getdns_context_create(&made, 0);
  auto context = std::make_unique<Context>(Context{loop_, ContextPtr(made)});
  const ListPtr servers = server_list(address_, *address_.port);
  if (r == GETDNS_RETURN_GOOD) r = getdns_context_set_eventloop(made, loop_.get());
  if (r == GETDNS_RETURN_GOOD) r = configure(made, transport_, timeout_, servers.get());
  if (r != GETDNS_RETURN_GOOD)
    return fail(ErrorCode::kLocalFault, std::string("cannot be used by getdns: ") + getdns_get_errorstr_by_id(r));
  return context;
}

void Upstream::ask(const std::string& name, RrType type, Manner manner, Done done) {
  const auto context = this->context();
  if (!context) return done(tl::unexpected(context.error()));
  Context& asked_of = **context;
  auto asked = std::make_unique<Asked>(Asked{asked_of, address_, std::move(done), asked_of.answers});
  ++asked_of.under_way;
  const DictPtr wanted = extensions(manner);  // getdns reads it during the call
  const getdns_return_t r = getdns_general(asked_of.getdns.get(), name.c_str(), static_cast<std::uint16_t>(type),
                                           wanted.get(), asked.get(), nullptr, &Asked::answered);
  if (r == GETDNS_RETURN_GOOD) {
    static_cast<void>(asked.release());  // answered() has it, perhaps already used up
    return;
  }
  on_outcome(*asked,
             tl::unexpected(asked->no_connection(std::string("cannot be asked: ") + getdns_get_errorstr_by_id(r))));
}

}  // namespace mtasts
