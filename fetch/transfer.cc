#include "fetch/transfer.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <netinet/in.h>
#include <strings.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <utility>

#include "core/policy.h"

namespace mtasts {
namespace {

constexpr std::size_t kMaxHeaderOctets = 64UL * 1024;
constexpr std::uint16_t kHttpsPort = 443;
constexpr const char* kPath = "/.well-known/mta-sts.txt";

struct EasyCleanup {
  void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
};
struct ShareCleanup {
  void operator()(CURLSH* share) const { curl_share_cleanup(share); }
};
struct SlistFree {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};

std::string raw_address(int family, const void* address) {
  return {static_cast<const char*>(address), family == AF_INET6 ? sizeof(in6_addr) : sizeof(in_addr)};
}

// The octets of an address in presentation form; empty when it is none.
std::string raw_address(const std::string& text) {
  std::array<unsigned char, sizeof(in6_addr)> bytes{};
  for (const int family : {AF_INET, AF_INET6})
    if (inet_pton(family, text.c_str(), bytes.data()) == 1) return raw_address(family, bytes.data());
  return {};
}

std::string raw_address(const sockaddr& address) {
  if (address.sa_family == AF_INET)
    return raw_address(AF_INET, &reinterpret_cast<const sockaddr_in&>(address).sin_addr);
  if (address.sa_family == AF_INET6)
    return raw_address(AF_INET6, &reinterpret_cast<const sockaddr_in6&>(address).sin6_addr);
  return {};
}

// The type of a Content-Type value, without parameters and white space.
std::string_view media_type(std::string_view value) {
  value = value.substr(0, value.find(';'));
  const auto first = value.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return value.substr(first, value.find_last_not_of(" \t") + 1 - first);
}

bool equal_ignoring_case(std::string_view a, std::string_view b) {
  return a.size() == b.size() && strncasecmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace

struct Transfer::Handles {
  // A DNS cache of its own for each transfer: in a shared one what CURLOPT_RESOLVE puts there stays for ever.
  std::unique_ptr<CURLSH, ShareCleanup> dns_cache{curl_share_init()};
  std::unique_ptr<curl_slist, SlistFree> resolve;
  std::array<char, CURL_ERROR_SIZE> error{};
  std::unique_ptr<CURL, EasyCleanup> easy{curl_easy_init()};

  template <typename T>
  T info(CURLINFO what) const {
    T value{};
    curl_easy_getinfo(easy.get(), what, &value);
    return value;
  }
  [[nodiscard]] std::string text(CURLINFO what) const {
    const char* value = info<const char*>(what);
    return value != nullptr ? value : "";
  }
};

// What libcurl calls; a short count makes it end the transfer with CURLE_WRITE_ERROR.
struct Transfer::Callbacks {
  // The cap counts what is left after decoding (R14). The body of anything but 200 is not even read.
  static std::size_t body(const char* data, std::size_t size, std::size_t count, void* userdata) noexcept {
    auto& self = *static_cast<Transfer*>(userdata);
    if (self.handles_->info<long>(CURLINFO_RESPONSE_CODE) != 200) return 0;
    if (size * count > kMaxPolicyBytes - self.body_.size()) {
      self.body_too_large_ = true;
      return 0;
    }
    self.body_.append(data, size * count);
    return count;
  }

  static std::size_t header(const char* /*data*/, std::size_t size, std::size_t count, void* userdata) noexcept {
    auto& self = *static_cast<Transfer*>(userdata);
    self.header_octets_ += size * count;
    self.header_too_large_ = self.header_octets_ > kMaxHeaderOctets;
    return self.header_too_large_ ? 0 : count;
  }

  // No socket to an address that dns/ did not name, whatever libcurl may have looked up. Private and loopback addresses
  // are allowed: internal mail systems publish policies too, and all that a foreign name can win by pointing there is a
  // TLS handshake with a host that cannot show the right certificate.
  static curl_socket_t open_socket(void* userdata, curlsocktype /*purpose*/, curl_sockaddr* address) noexcept {
    const auto& self = *static_cast<const Transfer*>(userdata);
    const auto& allowed = self.allowed_;
    if (!self.through_proxy_ && std::find(allowed.begin(), allowed.end(), raw_address(address->addr)) == allowed.end())
      return CURL_SOCKET_BAD;
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
  }
};

Transfer::Transfer(const FetcherConfig& config, std::string host)
    : host_(std::move(host)),
      timeout_s_(static_cast<long>(config.timeout.count())),
      ca_file_(config.ca_file),
      crl_file_(config.crl_file),
      san_rule_(host_),
      through_proxy_(!config.proxy.empty()),
      handles_(std::make_unique<Handles>()) {}

Transfer::~Transfer() = default;

void* Transfer::easy() const { return handles_->easy.get(); }

Result<std::unique_ptr<Transfer>> Transfer::make(const FetcherConfig& config, const Domain& domain,
                                                 const std::vector<std::string>& addresses) {
  std::unique_ptr<Transfer> transfer(new Transfer(config, domain.policy_host()));
  if (transfer->easy() == nullptr) return fail(ErrorCode::kEngine, "libcurl gives no handle");
  auto ready =
      transfer->set_addresses(config, addresses).and_then([&] { return transfer->set_options(config); }).and_then([&] {
        return transfer->san_rule_.apply(transfer->easy());
      });
  if (!ready) return tl::unexpected(ready.error());
  return transfer;
}

Result<void> Transfer::set_addresses(const FetcherConfig& config, const std::vector<std::string>& addresses) {
  std::string list;
  for (const auto& address : addresses) {
    std::string raw = raw_address(address);
    if (raw.empty()) continue;
    list += list.empty() ? "" : ",";
    list += raw.size() == sizeof(in6_addr) ? '[' + address + ']' : address;
    allowed_.push_back(std::move(raw));
  }
  // Without an entry libcurl would ask the system's resolver.
  if (allowed_.empty()) return fail(ErrorCode::kPolicyFetch, host_ + " has no address");
  const std::string entry = host_ + ':' + std::to_string(config.port) + ':' + list;
  handles_->resolve.reset(curl_slist_append(nullptr, entry.c_str()));
  return {};
}

Result<void> Transfer::set_options(const FetcherConfig& config) {
  CURL* easy = handles_->easy.get();
  CURLcode worst = CURLE_OK;
  const auto set = [&](CURLoption option, auto value) {
    if (const CURLcode code = curl_easy_setopt(easy, option, value); code != CURLE_OK) worst = code;
  };
  const std::string port = config.port == kHttpsPort ? "" : ':' + std::to_string(config.port);
  const std::string url = "https://" + host_ + port + kPath;
  curl_share_setopt(handles_->dns_cache.get(), CURLSHOPT_SHARE, CURL_LOCK_DATA_DNS);
  set(CURLOPT_SHARE, handles_->dns_cache.get());
  set(CURLOPT_RESOLVE, handles_->resolve.get());
  set(CURLOPT_OPENSOCKETFUNCTION, &Callbacks::open_socket);
  set(CURLOPT_OPENSOCKETDATA, this);
  set(CURLOPT_URL, url.c_str());
  set(CURLOPT_PROTOCOLS_STR, "https");
  set(CURLOPT_FOLLOWLOCATION, 0L);
  set(CURLOPT_NETRC, static_cast<long>(CURL_NETRC_IGNORED));
  set(CURLOPT_PROXY, config.proxy.c_str());  // empty beats the environment
  set(CURLOPT_NOPROXY, config.proxy.empty() ? "*" : "");
  set(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
  set(CURLOPT_USERAGENT, "mtasts/" MTASTS_VERSION);
  set(CURLOPT_NOSIGNAL, 1L);
  set(CURLOPT_TIMEOUT, timeout_s_);
  set(CURLOPT_FRESH_CONNECT, 1L);
  set(CURLOPT_FORBID_REUSE, 1L);
  set(CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  set(CURLOPT_SSL_VERIFYPEER, 1L);
  set(CURLOPT_SSL_VERIFYHOST, 2L);
  set(CURLOPT_SSL_SESSIONID_CACHE, 0L);  // a resumed session would skip the verification
  set(CURLOPT_CAINFO, ca_file_.c_str());
  set(CURLOPT_CAPATH, static_cast<const char*>(nullptr));  // else the system's folder is trusted as well
  if (!crl_file_.empty()) set(CURLOPT_CRLFILE, crl_file_.c_str());
  set(CURLOPT_HTTP09_ALLOWED, 0L);
  set(CURLOPT_HTTP_VERSION,
      static_cast<long>(CURL_HTTP_VERSION_1_1));  // one small file: no second protocol to get wrong
  set(CURLOPT_HTTP_CONTENT_DECODING, 0L);  // nor a transfer coding: what unpacks to nothing would escape every cap
  set(CURLOPT_MAXFILESIZE, static_cast<long>(kMaxPolicyBytes));
  set(CURLOPT_WRITEFUNCTION, &Callbacks::body);
  set(CURLOPT_WRITEDATA, this);
  set(CURLOPT_HEADERFUNCTION, &Callbacks::header);
  set(CURLOPT_HEADERDATA, this);
  set(CURLOPT_ERRORBUFFER, handles_->error.data());
  if (worst == CURLE_OK) return {};
  return fail(ErrorCode::kEngine, std::string("libcurl refuses an option: ") + curl_easy_strerror(worst));
}

std::string Transfer::where() const {
  const std::string address = handles_->text(CURLINFO_PRIMARY_IP);
  return address.empty() ? host_ : host_ + " (" + address + ")";
}

std::string Transfer::header(const char* name) const {
  curl_header* found = nullptr;
  const bool is_there = curl_easy_header(handles_->easy.get(), name, 0, CURLH_HEADER, -1, &found) == CURLHE_OK;
  return is_there ? found->value : "";
}

std::string Transfer::certificate_reason(int curl_code) const {
  std::string fault = san_rule_.refusal();
  if (fault.empty() && curl_code == CURLE_PEER_FAILED_VERIFICATION) {
    fault = certificate_fault(handles_->info<long>(CURLINFO_SSL_VERIFYRESULT));
    if (fault.empty()) fault = "is refused: " + escaped(handles_->error.data());
  }
  if (fault.empty() && curl_code == CURLE_SSL_INVALIDCERTSTATUS) fault = "has no valid OCSP status";
  return fault.empty() ? fault : "certificate of " + where() + " " + fault;
}

std::string Transfer::status_reason() const {
  const long status = handles_->info<long>(CURLINFO_RESPONSE_CODE);
  if (status == 0 || status == 200) return {};
  if (const std::string target = header("Location"); status / 100 == 3 && !target.empty())
    return where() + ": redirect to " + escaped(target) + " refused (RFC 8461 §3.3)";
  return where() + ": HTTP status " + std::to_string(status) + " instead of 200";
}

std::string Transfer::local_fault(int curl_code) const {
  if (curl_code == CURLE_SSL_CACERT_BADFILE)
    return "the file of trusted authorities cannot be used: " + escaped(ca_file_);
  if (curl_code == CURLE_SSL_CRL_BADFILE)
    return "the file of revoked certificates cannot be used: " + escaped(crl_file_);
  return {};
}

std::string Transfer::transport_reason(int curl_code) const {
  switch (curl_code) {
    case CURLE_OK:
      return {};
    case CURLE_FILESIZE_EXCEEDED:
      return where() + ": the policy file is larger than 64 KiB";
    case CURLE_WRITE_ERROR:
      return where() + (header_too_large_ ? ": the HTTP header is larger than 64 KiB"
                                          : ": the policy file is larger than 64 KiB");
    case CURLE_OPERATION_TIMEDOUT:
      return where() + ": no policy file within " + std::to_string(timeout_s_) + " s";
    default:
      break;
  }
  const std::string detail =
      handles_->error.front() != '\0' ? handles_->error.data() : curl_easy_strerror(static_cast<CURLcode>(curl_code));
  return where() + ": " + escaped(detail);
}

std::string Transfer::content_reason() const {
  const std::string type = handles_->text(CURLINFO_CONTENT_TYPE);
  if (!equal_ignoring_case(media_type(type), "text/plain"))
    return where() + (type.empty() ? ": no media type instead of text/plain"
                                   : ": media type " + escaped(type) + " instead of text/plain");
  const std::string encoding = header("Content-Encoding");
  if (!encoding.empty() && !equal_ignoring_case(encoding, "identity"))
    return where() + ": content encoding " + escaped(encoding) + ", which was not asked for";
  const std::string coding = header("Transfer-Encoding");
  if (!coding.empty() && !equal_ignoring_case(coding, "chunked"))
    return where() + ": transfer coding " + escaped(coding) + ", which was not asked for";
  return {};
}

// Without a declared length the end of the connection is the end of the file; whoever can cut the connection could then
// shorten a policy, in the middle of its max_age, say. libcurl with OpenSSL does not mind.
std::string Transfer::end_reason() const {
  const bool framed =
      handles_->info<curl_off_t>(CURLINFO_CONTENT_LENGTH_DOWNLOAD_T) >= 0 || !header("Transfer-Encoding").empty();
  return framed || san_rule_.was_ended_by_peer() ? "" : where() + ": the policy file may have been cut off";
}

Result<std::string> Transfer::verdict(int curl_code) {
  if (auto fault = local_fault(curl_code); !fault.empty()) return fail(ErrorCode::kEngine, std::move(fault));
  if (auto reason = certificate_reason(curl_code); !reason.empty())
    return fail(ErrorCode::kWebPkiInvalid, std::move(reason));
  for (auto reason : {status_reason(), transport_reason(curl_code), content_reason(), end_reason()})
    if (!reason.empty()) return fail(ErrorCode::kPolicyFetch, std::move(reason));
  if (!san_rule_.was_applied())
    return fail(ErrorCode::kEngine, "the certificate of " + where() + " was not checked for a DNS subjectAltName");
  return std::move(body_);
}

}  // namespace mtasts
