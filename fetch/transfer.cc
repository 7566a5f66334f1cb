#include "fetch/transfer.h"

#include <curl/curl.h>

#include <algorithm>
#include <string_view>
#include <utility>

#include "core/ascii.h"
#include "core/policy.h"

namespace mtasts {
namespace {

constexpr std::size_t kMaxHeaderOctets = 64UL * 1024;
constexpr std::uint16_t kHttpsPort = 443;
constexpr std::size_t kMaxHeaderInFact = 1000;
constexpr const char* kPath = "/.well-known/mta-sts.txt";

// The type of a Content-Type value, without parameters and white space.
std::string_view media_type(std::string_view value) { return ascii::trimmed(value.substr(0, value.find(';'))); }

template <typename T>
T info(void* easy, CURLINFO what) {
  T value{};
  curl_easy_getinfo(easy, what, &value);
  return value;
}

std::string text(void* easy, CURLINFO what) {
  const char* value = info<const char*>(easy, what);
  return value != nullptr ? value : "";
}

}  // namespace

// What libcurl calls; a short count makes it end the transfer with CURLE_WRITE_ERROR.
struct Transfer::Callbacks {
  // The cap counts what is left after decoding (R14). The body of anything but 200 is not even read.
  static std::size_t body(const char* data, std::size_t size, std::size_t count, void* userdata) noexcept {
    auto& self = *static_cast<Transfer*>(userdata);
    if (info<long>(self.easy(), CURLINFO_RESPONSE_CODE) != 200) return 0;
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
};

Transfer::Transfer(const FetcherConfig& config, std::string host, Manner manner)
    : timeout_s_(static_cast<long>(config.timeout.count())),
      connect_timeout_s_(static_cast<long>(std::min(config.connect_timeout, config.timeout).count())),
      connection_({.host = std::move(host),
                   .port = config.port,
                   .ca_file = config.ca_file,
                   .crl_file = config.crl_file,
                   .proxy = config.proxy,
                   .has_room = std::move(manner.has_room),
                   .look = std::move(manner.look)}) {}

Result<std::unique_ptr<Transfer>> Transfer::make(const FetcherConfig& config, const Domain& domain,
                                                 const AddressRule::Sorted& addresses, Manner manner) {
  const std::string host = domain.policy_host();
  if (addresses.allowed.empty() && !addresses.refused.empty())
    return fail(ErrorCode::kPolicyFetch, host + ": " + refusal(addresses.refused.front()));
  if (addresses.allowed.empty()) return fail(ErrorCode::kPolicyFetch, host + " has no address");
  const std::string user_agent = manner.user_agent;
  std::unique_ptr<Transfer> transfer(new Transfer(config, host, std::move(manner)));
  const auto prepared = transfer->connection_.prepare(addresses.allowed);
  if (!prepared) return tl::unexpected(prepared.error());
  if (auto ready = transfer->set_options(config, user_agent); !ready) return tl::unexpected(ready.error());
  return transfer;
}

Result<void> Transfer::set_options(const FetcherConfig& config, const std::string& user_agent) {
  CURLcode worst = CURLE_OK;
  const auto set = [&](CURLoption option, auto value) {
    if (const CURLcode code = curl_easy_setopt(easy(), option, value); code != CURLE_OK) worst = code;
  };
  const std::string port = config.port == kHttpsPort ? "" : ':' + std::to_string(config.port);
  const std::string url = "https://" + connection_.host() + port + kPath;
  set(CURLOPT_URL, url.c_str());
  set(CURLOPT_PROTOCOLS_STR, "https");
  set(CURLOPT_FOLLOWLOCATION, 0L);
  set(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
  set(CURLOPT_USERAGENT, user_agent.c_str());
  set(CURLOPT_TIMEOUT, timeout_s_);
  set(CURLOPT_CONNECTTIMEOUT, connect_timeout_s_);  // it counts TLS as well
  set(CURLOPT_HTTP09_ALLOWED, 0L);
  set(CURLOPT_HTTP_VERSION,
      static_cast<long>(CURL_HTTP_VERSION_1_1));  // one small file: no second protocol to get wrong
  set(CURLOPT_HTTP_CONTENT_DECODING, 0L);  // nor a transfer coding: what unpacks to nothing would escape every cap
  set(CURLOPT_MAXFILESIZE, static_cast<long>(kMaxPolicyBytes));
  set(CURLOPT_WRITEFUNCTION, &Callbacks::body);
  set(CURLOPT_WRITEDATA, this);
  set(CURLOPT_HEADERFUNCTION, &Callbacks::header);
  set(CURLOPT_HEADERDATA, this);
  if (worst == CURLE_OK) return {};
  return fail(ErrorCode::kInternal, std::string("libcurl refuses an option: ") + curl_easy_strerror(worst));
}

std::string Transfer::header(const char* name) const {
  curl_header* found = nullptr;
  const bool is_there = curl_easy_header(easy(), name, 0, CURLH_HEADER, -1, &found) == CURLHE_OK;
  return is_there ? found->value : "";
}

std::string Transfer::status_reason() const {
  const long status = info<long>(easy(), CURLINFO_RESPONSE_CODE);
  if (status == 0 || status == 200) return {};
  if (const std::string target = header("Location"); status / 100 == 3 && !target.empty())
    return connection_.where() + ": redirect to " + escaped(target) + " refused (RFC 8461 §3.3)";
  return connection_.where() + ": HTTP status " + std::to_string(status) + " instead of 200";
}

std::string Transfer::transport_reason(int curl_code) const {
  switch (curl_code) {
    case CURLE_OK:
      return {};
    case CURLE_FILESIZE_EXCEEDED:
      return connection_.where() + ": the policy file is larger than 64 KiB";
    case CURLE_WRITE_ERROR:
      return connection_.where() + (header_too_large_ ? ": the HTTP header is larger than 64 KiB"
                                                      : ": the policy file is larger than 64 KiB");
    case CURLE_OPERATION_TIMEDOUT:
      return connection_.where() +
             (is_connected() ? ": no policy file within " + std::to_string(timeout_s_)
                             : ": no TLS session within " + std::to_string(connect_timeout_s_)) +
             " s";
    default:
      break;
  }
  return connection_.where() + ": " + connection_.error_text(curl_code);
}

std::string Transfer::media_type_reason() const {
  const std::string type = text(easy(), CURLINFO_CONTENT_TYPE);
  if (!ascii::equal_ignoring_case(media_type(type), "text/plain"))
    return connection_.where() + (type.empty() ? ": no media type instead of text/plain"
                                               : ": media type " + escaped(type) + " instead of text/plain");
  return {};
}

std::string Transfer::coding_reason() const {
  const std::string encoding = header("Content-Encoding");
  if (!encoding.empty() && !ascii::equal_ignoring_case(encoding, "identity"))
    return connection_.where() + ": content encoding " + escaped(encoding) + ", which was not asked for";
  const std::string coding = header("Transfer-Encoding");
  if (!coding.empty() && !ascii::equal_ignoring_case(coding, "chunked"))
    return connection_.where() + ": transfer coding " + escaped(coding) + ", which was not asked for";
  return {};
}

// Without a declared length the end of the connection is the end of the file; whoever can cut the connection could then
// shorten a policy, in the middle of its max_age, say. libcurl with OpenSSL does not mind.
std::string Transfer::end_reason() const {
  const bool framed =
      info<curl_off_t>(easy(), CURLINFO_CONTENT_LENGTH_DOWNLOAD_T) >= 0 || !header("Transfer-Encoding").empty();
  return framed || connection_.san_rule().was_ended_by_peer()
             ? ""
             : connection_.where() + ": the policy file may have been cut off";
}

bool Transfer::is_connected() const { return info<curl_off_t>(easy(), CURLINFO_APPCONNECT_TIME_T) > 0; }

HttpFact Transfer::fact(int curl_code) {
  HttpFact fact;
  fact.status = info<long>(easy(), CURLINFO_RESPONSE_CODE);
  fact.location = header("Location").substr(0, kMaxHeaderInFact);
  fact.content_type = text(easy(), CURLINFO_CONTENT_TYPE).substr(0, kMaxHeaderInFact);
  fact.is_too_large = fact.status == 200 && (body_too_large_ || curl_code == CURLE_FILESIZE_EXCEEDED);
  fact.took = std::chrono::milliseconds(info<curl_off_t>(easy(), CURLINFO_TOTAL_TIME_T) / 1000);
  // The body of any other status is not read, which ends the transfer with an error.
  if (fact.status != 0 && fact.status != 200) return fact;
  if (fact.is_too_large) return fact;
  for (auto reason : {transport_reason(curl_code), coding_reason(), end_reason()}) {
    if (reason.empty()) continue;
    fact.error = std::move(reason);
    return fact;
  }
  fact.body = std::move(body_);
  return fact;
}

Result<std::string> Transfer::verdict(int curl_code, StallMeter::Duration stalled) {
  if (auto fault = connection_.local_fault(curl_code); !fault.empty())
    return fail(ErrorCode::kLocalFault, std::move(fault));
  if (auto fault = connection_.certificate_fault(curl_code))
    return fail(ErrorCode::kWebPkiInvalid, std::move(fault->text));
  // Its time limit passed, or the host gave up, while this process stood still.
  const std::chrono::seconds limit(is_connected() ? timeout_s_ : connect_timeout_s_);
  if (curl_code != CURLE_OK && stalled > limit / 2)
    return fail(ErrorCode::kNotTried,
                connection_.where() + ": this process was busy or stood still and could not fetch in time");
  // One of the addresses that were left out might have answered.
  if (curl_code != CURLE_OK && !is_connected() && connection_.crowded())
    return fail(ErrorCode::kNotTried,
                connection_.host() + ": too many fetches are under way at and around " + connection_.crowded()->text());
  for (auto reason : {status_reason(), transport_reason(curl_code), media_type_reason(), coding_reason(), end_reason()})
    if (!reason.empty()) return fail(ErrorCode::kPolicyFetch, std::move(reason));
  if (!connection_.san_rule().was_applied())
    return fail(ErrorCode::kInternal,
                "the certificate of " + connection_.where() + " was not checked for a DNS subjectAltName");
  return std::move(body_);
}

}  // namespace mtasts
