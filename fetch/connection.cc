#include "fetch/connection.h"

#include <curl/curl.h>
#include <netinet/in.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

namespace mtasts {
namespace {

struct EasyCleanup {
  void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
};
struct ShareCleanup {
  void operator()(CURLSH* share) const { curl_share_cleanup(share); }
};
struct SlistFree {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};

std::optional<IpAddress> address_in(const sockaddr& address) {
  const auto octets = [](const auto& of_family) {
    return std::string_view(reinterpret_cast<const char*>(&of_family), sizeof of_family);
  };
  if (address.sa_family == AF_INET)
    return IpAddress::from_octets(octets(reinterpret_cast<const sockaddr_in&>(address).sin_addr));
  if (address.sa_family == AF_INET6)
    return IpAddress::from_octets(octets(reinterpret_cast<const sockaddr_in6&>(address).sin6_addr));
  return std::nullopt;
}

std::string text_of(CURL* easy, CURLINFO what) {
  const char* text = nullptr;
  curl_easy_getinfo(easy, what, &text);
  return text == nullptr ? "" : text;
}

// libcurl before 8.6 says "out of memory" of a line of the peer's that is longer than it takes, too. Before there is a
// connection it means what it says.
bool is_line_too_long(CURL* easy) {
  constexpr unsigned kFirstThatTellsThemApart = 0x080600;
  curl_off_t connected = 0;
  curl_easy_getinfo(easy, CURLINFO_CONNECT_TIME_T, &connected);
  return connected > 0 && curl_version_info(CURLVERSION_NOW)->version_num < kFirstThatTellsThemApart;
}

// connect(2) says EADDRNOTAVAIL where no port of ours is left for this peer, and where no address of ours is, as
// without IPv6. The second is the network's answer and no fault. A datagram socket needs the same address, and sends
// nothing.
bool has_own_address(const sockaddr_storage& peer, socklen_t size) {
  const int fd = socket(peer.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  const bool has = fd >= 0 && connect(fd, reinterpret_cast<const sockaddr*>(&peer), size) == 0;
  if (fd >= 0) close(fd);
  return has;
}

constexpr long kReadAuthoritiesAgain = 10;  // seconds: often enough for people, too seldom to cost anything

bool is_socks_reply_of_host(CURL* easy) {
  long reply = CURLPX_OK;
  curl_easy_getinfo(easy, CURLINFO_PROXY_ERROR, &reply);
  constexpr std::array kOfHost{CURLPX_REPLY_CONNECTION_REFUSED, CURLPX_REPLY_GENERAL_SERVER_FAILURE,
                               CURLPX_REPLY_HOST_UNREACHABLE, CURLPX_REPLY_NETWORK_UNREACHABLE,
                               CURLPX_REPLY_TTL_EXPIRED};
  return std::ranges::find(kOfHost, reply) != kOfHost.end();
}

}  // namespace

struct Connection::Handles {
  // A DNS cache of its own for each transfer: in a shared one what CURLOPT_RESOLVE puts there stays for ever.
  std::unique_ptr<CURLSH, ShareCleanup> dns_cache{curl_share_init()};
  std::unique_ptr<curl_slist, SlistFree> resolve;
  std::array<char, CURL_ERROR_SIZE> error{};
  std::unique_ptr<CURL, EasyCleanup> easy{curl_easy_init()};
  sockaddr_storage peer{};  // of the last socket
  socklen_t peer_size = 0;
};

struct Connection::Callbacks {
  // Whatever libcurl may have looked up, this is where it really goes.
  static curl_socket_t open_socket(void* userdata, curlsocktype /*purpose*/, curl_sockaddr* address) noexcept {
    auto& self = *static_cast<Connection*>(userdata);
    const auto peer = address_in(address->addr);
    if (!peer || (self.config_.proxy.empty() && !self.may_connect(*peer))) return CURL_SOCKET_BAD;
    self.socket_address_ = peer->text();
    self.handles_->peer_size = std::min<socklen_t>(address->addrlen, sizeof self.handles_->peer);
    std::memcpy(&self.handles_->peer, &address->addr, self.handles_->peer_size);
    const int fd = socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
    if (fd < 0 && errno != EAFNOSUPPORT) self.socket_fault_ = std::strerror(errno);
    return fd;
  }

  // libcurl notes the time of a connection when TLS is up, too.
  static int close_socket(void* userdata, curl_socket_t fd) noexcept {
    sockaddr_storage peer{};
    socklen_t size = sizeof peer;
    if (auto* self = CallbackTarget<Connection>::find(userdata); self != nullptr)
      self->had_peer_ = self->had_peer_ || getpeername(fd, reinterpret_cast<sockaddr*>(&peer), &size) == 0;
    return close(fd);
  }
};

Connection::Connection(ConnectionConfig config)
    : config_(std::move(config)), san_rule_(config_.host, config_.look), handles_(std::make_unique<Handles>()) {}

Connection::~Connection() = default;

void* Connection::easy() const { return handles_->easy.get(); }

// Only to addresses that dns/ named and the address rule allows, and while there is room for one more.
bool Connection::may_connect(const IpAddress& address) {
  if (std::ranges::find(allowed_, address) == allowed_.end()) return false;
  if (!config_.has_room || config_.has_room(address)) return true;
  crowded_ = address;
  return false;
}

Result<void> Connection::prepare(const std::vector<IpAddress>& addresses) {
  if (easy() == nullptr) return fail(ErrorCode::kLocalFault, "libcurl gives no handle");
  set_addresses(addresses);
  return set_options().and_then([&] { return san_rule().apply(easy()); });
}

// With this entry libcurl does not ask the system's resolver.
void Connection::set_addresses(const std::vector<IpAddress>& addresses) {
  allowed_ = addresses;
  std::string list;
  for (const auto& address : addresses) {
    list += list.empty() ? "" : ",";
    list += address.url_host();
  }
  const std::string entry = config_.host + ':' + std::to_string(config_.port) + ':' + list;
  handles_->resolve.reset(curl_slist_append(nullptr, entry.c_str()));
}

Result<void> Connection::set_options() {
  CURLcode worst = CURLE_OK;
  const auto set = [&](CURLoption option, auto value) {
    if (const CURLcode code = curl_easy_setopt(easy(), option, value); code != CURLE_OK) worst = code;
  };
  curl_share_setopt(handles_->dns_cache.get(), CURLSHOPT_SHARE, CURL_LOCK_DATA_DNS);
  set(CURLOPT_SHARE, handles_->dns_cache.get());
  set(CURLOPT_RESOLVE, handles_->resolve.get());
  set(CURLOPT_OPENSOCKETFUNCTION, &Callbacks::open_socket);
  set(CURLOPT_OPENSOCKETDATA, this);
  set(CURLOPT_CLOSESOCKETFUNCTION, &Callbacks::close_socket);
  set(CURLOPT_CLOSESOCKETDATA, target_.data());
  set(CURLOPT_NETRC, static_cast<long>(CURL_NETRC_IGNORED));
  set(CURLOPT_PROXY, config_.proxy.c_str());  // empty beats the environment
  set(CURLOPT_NOPROXY, config_.proxy.empty() ? "*" : "");
  set(CURLOPT_NOSIGNAL, 1L);
  set(CURLOPT_FRESH_CONNECT, 1L);
  set(CURLOPT_FORBID_REUSE, 1L);
  set(CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  const bool is_judged_here = !config_.look;
  set(CURLOPT_SSL_VERIFYPEER, is_judged_here ? 1L : 0L);
  // It compares what the URL says; an address is not what the certificate is about. SanRule compares the host's name.
  set(CURLOPT_SSL_VERIFYHOST, config_.has_address_in_url || !is_judged_here ? 0L : 2L);
  set(CURLOPT_SSL_SESSIONID_CACHE, 0L);  // a resumed session would skip the verification
  // libcurl with OpenSSL would go on for a day with the authorities that it has read, whatever becomes of the file. The
  // others read it each time, and some refuse the option.
  curl_easy_setopt(easy(), CURLOPT_CA_CACHE_TIMEOUT, kReadAuthoritiesAgain);
  set(CURLOPT_CAINFO, is_judged_here ? config_.ca_file.c_str() : nullptr);
  set(CURLOPT_CAPATH, static_cast<const char*>(nullptr));  // else the system's folder is trusted as well
  if (is_judged_here && !config_.crl_file.empty()) set(CURLOPT_CRLFILE, config_.crl_file.c_str());
  set(CURLOPT_ERRORBUFFER, handles_->error.data());
  if (worst == CURLE_OK) return {};
  return fail(ErrorCode::kInternal, std::string("libcurl refuses an option: ") + curl_easy_strerror(worst));
}

std::string Connection::own_address() const { return text_of(easy(), CURLINFO_LOCAL_IP); }

std::string Connection::peer_address() const { return text_of(easy(), CURLINFO_PRIMARY_IP); }

bool Connection::was_connected(int curl_code) const {
  // With GnuTLS an alert may arrive before libcurl notes the time of the connection.
  if (curl_code == CURLE_SSL_CONNECT_ERROR) return true;
  curl_off_t microseconds = 0;
  curl_easy_getinfo(easy(), CURLINFO_CONNECT_TIME_T, &microseconds);
  return microseconds > 0 || had_peer_;
}

std::string Connection::where() const {
  // libcurl 8 knows the peer's address after the TLS handshake only.
  const std::string known = peer_address();
  const std::string& address = known.empty() && config_.proxy.empty() ? socket_address_ : known;
  return address.empty() ? config_.host : config_.host + " (" + address + ")";
}

// The proxy is the administrator's own: where it is down or refuses, nothing was found out about the host. What it says
// of the host (its status 502 or 504, SOCKS' "connection refused") is the host's failure.
std::string Connection::proxy_fault(int curl_code) const {
  long status = 0;
  curl_easy_getinfo(easy(), CURLINFO_HTTP_CONNECTCODE, &status);
  const bool is_refused =
      status == 403 || status == 407 || (curl_code == CURLE_PROXY && !is_socks_reply_of_host(easy()));
  const bool is_down = curl_code == CURLE_COULDNT_RESOLVE_PROXY || curl_code == CURLE_COULDNT_CONNECT ||
                       (curl_code == CURLE_OPERATION_TIMEDOUT && !was_connected(curl_code));
  if (config_.proxy.empty() || (!is_refused && !is_down)) return {};
  return std::string("the proxy ") + (is_refused ? "refuses" : "cannot be reached") + ": " + error_text(curl_code);
}

// Why this machine could not connect to anybody.
std::string Connection::connect_fault() const {
  if (!socket_fault_.empty()) return "no socket can be had: " + socket_fault_;
  long error = 0;
  curl_easy_getinfo(easy(), CURLINFO_OS_ERRNO, &error);
  if (error == EADDRNOTAVAIL && has_own_address(handles_->peer, handles_->peer_size)) return "no local port is free";
  if (error != ENOBUFS && error != ENOMEM) return {};
  return std::string("no connection can be had: ") + std::strerror(static_cast<int>(error));
}

std::string Connection::local_fault(int curl_code) const {
  if (curl_code == CURLE_COULDNT_CONNECT) {
    if (std::string fault = connect_fault(); !fault.empty()) return fault;
  }
  const bool no_memory = curl_code == CURLE_OUT_OF_MEMORY && !is_line_too_long(easy());
  if (no_memory || curl_code == CURLE_FAILED_INIT) return error_text(curl_code);
  if (curl_code == CURLE_SSL_CACERT_BADFILE)
    return "the file of trusted authorities cannot be used: " + escaped(config_.ca_file);
  if (curl_code == CURLE_SSL_CRL_BADFILE)
    return "the file of revoked certificates cannot be used: " + escaped(config_.crl_file);
  return proxy_fault(curl_code);
}

// libcurl has no code of its own for it. OpenSSL and GnuTLS say it of a ServerHello and of an alert in other words.
bool Connection::is_tls_too_old(int curl_code) const {
  static constexpr auto kWords = std::to_array<std::string_view>(
      {"unsupported protocol", "protocol version", "version too low", "unsupported version"});
  const std::string_view said = handles_->error.data();
  return curl_code == CURLE_SSL_CONNECT_ERROR &&
         std::ranges::any_of(kWords, [said](auto words) { return said.find(words) != std::string_view::npos; });
}

std::optional<CertificateFault> Connection::certificate_fault(int curl_code) const {
  std::optional<CertificateFault> fault = san_rule().refusal();
  if (!fault && curl_code == CURLE_PEER_FAILED_VERIFICATION) {
    long verify_result = 0;
    curl_easy_getinfo(easy(), CURLINFO_SSL_VERIFYRESULT, &verify_result);
    fault = mtasts::certificate_fault(verify_result);
    const std::string words = handles_->error.data();
    // libcurl compares the name itself, too; its versions write it differently.
    const bool is_name =
        words.find("host name") != std::string::npos || words.find("target hostname") != std::string::npos;
    if (!fault)
      fault = {is_name ? ErrorCode::kCertificateHostMismatch : ErrorCode::kCertificateNotTrusted,
               "is refused: " + escaped(words)};
  }
  if (!fault && curl_code == CURLE_SSL_INVALIDCERTSTATUS)
    fault = {ErrorCode::kCertificateNotTrusted, "has no valid OCSP status"};
  if (fault) fault->text = "certificate of " + where() + " " + fault->text;
  return fault;
}

std::string Connection::error_text(int curl_code) const {
  return escaped(handles_->error.front() != '\0' ? handles_->error.data()
                                                 : curl_easy_strerror(static_cast<CURLcode>(curl_code)));
}

}  // namespace mtasts
