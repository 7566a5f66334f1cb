#include "fetch/mx_session.h"

#include <curl/curl.h>

#include <algorithm>
#include <utility>

#include "core/ascii.h"

namespace mtasts {
namespace {

constexpr std::size_t kMaxReplyOctets = 64UL * 1024;  // of all replies together
constexpr std::size_t kMaxNameOctets = 255;           // as for a domain name
constexpr int kCurlTooLarge = 100;                    // CURLE_TOO_LARGE since libcurl 8.6: a line without end

// The last line of a reply; "250-" says that there are more.
bool is_last_of_reply(std::string_view line) {
  if (line.size() < 3 || !std::ranges::all_of(line.substr(0, 3), ascii::is_digit)) return false;
  return line.size() == 3 || line[3] == ' ';
}

// In the first line of an answer to EHLO, `250-mx.example.com Hello`.
std::string name_in(std::string_view line) {
  constexpr std::size_t kCode = 4;
  if (!line.starts_with("250")) return {};
  line.remove_prefix(std::min(kCode, line.size()));
  return escaped(line.substr(0, line.find(' '))).substr(0, kMaxNameOctets);
}

bool is_without_sni(const MxSession::Peer& peer) { return peer.sni == MxProber::Sni::kLeftOut; }

std::string url_host(const MxSession::Peer& peer) {
  return is_without_sni(peer) ? peer.address.url_host() : peer.host.text();
}

// The session shows its certificate before libcurl says EHLO in it; nothing is left to be looked at later.
std::function<bool()> looking_only(const std::function<void()>& look) {
  if (!look) return {};
  return [] { return true; };
}

std::string_view without_line_end(std::string_view line) {
  while (line.ends_with('\n') || line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

}  // namespace

struct MxSession::Callbacks {
  // libcurl gives each line of a reply; a short count makes it end the session with CURLE_WRITE_ERROR.
  static std::size_t reply(const char* data, std::size_t size, std::size_t count, void* userdata) noexcept {
    auto& self = *static_cast<MxSession*>(userdata);
    self.note_reply({data, size * count});
    return self.says_too_much_ ? 0 : count;
  }

  static int note(CURL* /*easy*/, curl_infotype kind, char* data, std::size_t size, void* userdata) noexcept {
    auto& self = *static_cast<MxSession*>(userdata);
    if (kind == CURLINFO_HEADER_OUT) self.note_sent({data, size});
    return 0;
  }
};

MxSession::MxSession(const ProberConfig& config, const Peer& peer)
    : where_(peer.host.text() + " (" + peer.address.text() + ")"),
      look_(peer.look),
      connection_({peer.host.text(),
                   config.port,
                   config.ca_file,
                   config.crl_file,
                   {},
                   is_without_sni(peer),
                   {},
                   looking_only(peer.look)}) {}

Result<std::unique_ptr<MxSession>> MxSession::make(const ProberConfig& config, const Peer& peer,
                                                   std::chrono::milliseconds time) {
  std::unique_ptr<MxSession> session(new MxSession(config, peer));
  const auto prepared = session->connection_.prepare({peer.address});
  if (!prepared) return tl::unexpected(prepared.error());
  // No path in it: EHLO says this host's name.
  const std::string url = "smtp://" + url_host(peer) + ':' + std::to_string(config.port);
  if (auto ready = session->set_options(url, time); !ready) return tl::unexpected(ready.error());
  return session;
}

// CONNECT_ONLY ends where R25 is satisfied. Without it libcurl would send a command and then, at the end, QUIT - and
// wait for the answer to that inside one call, past every time limit, with everything else on the same loop.
Result<void> MxSession::set_options(const std::string& url, std::chrono::milliseconds time) {
  CURLcode worst = CURLE_OK;
  const auto set = [&](CURLoption option, auto value) {
    if (const CURLcode code = curl_easy_setopt(easy(), option, value); code != CURLE_OK) worst = code;
  };
  set(CURLOPT_URL, url.c_str());
  set(CURLOPT_PROTOCOLS_STR, "smtp");
  set(CURLOPT_USE_SSL, static_cast<long>(CURLUSESSL_ALL));
  set(CURLOPT_CONNECT_ONLY, 1L);
  set(CURLOPT_FORBID_REUSE, 0L);  // else it were closed before quit(); nobody can use it again in any case
  set(CURLOPT_TIMEOUT_MS, static_cast<long>(time.count()));
  set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(time.count()));  // it counts greeting, EHLO and TLS as well
  set(CURLOPT_HEADERFUNCTION, &Callbacks::reply);
  set(CURLOPT_HEADERDATA, this);
  set(CURLOPT_VERBOSE, 1L);  // for the callback; nothing is printed
  set(CURLOPT_DEBUGFUNCTION, &Callbacks::note);
  set(CURLOPT_DEBUGDATA, this);
  if (worst == CURLE_OK) return {};
  return fail(ErrorCode::kInternal, std::string("libcurl refuses an option: ") + curl_easy_strerror(worst));
}

bool MxSession::is_connected() const {
  curl_off_t microseconds = 0;
  curl_easy_getinfo(easy(), CURLINFO_CONNECT_TIME_T, &microseconds);
  return microseconds > 0;
}

// The stage is what the next reply will be an answer to.
void MxSession::note_sent(std::string_view command) {
  if (command.starts_with("STARTTLS")) stage_ = Stage::kStartTls;
  if (!command.starts_with("EHLO")) return;
  stage_ = stage_ == Stage::kHandshake ? Stage::kTls : Stage::kEhlo;
  if (stage_ != Stage::kTls) return;
  connection_.san_rule().forbid_renegotiation();
  if (!look_) return;
  connection_.san_rule().look_at_session();
  look_();
}

void MxSession::note_reply(std::string_view line) {
  reply_octets_ += line.size();
  says_too_much_ = says_too_much_ || reply_octets_ > kMaxReplyOctets;
  line = without_line_end(line);
  // Newer versions of libcurl take it in lower case, too; smtpd does not, and would send in the clear.
  if (stage_ == Stage::kEhlo && line.size() > 4 && line.substr(4).starts_with("STARTTLS")) is_starttls_offered_ = true;
  if (stage_ == Stage::kEhlo && helo_.empty()) helo_ = name_in(line);
  if (!is_last_of_reply(line)) return;
  if (stage_ == Stage::kEhlo) is_ehlo_answered_ = true;
  reply_ = line.substr(0, kMaxReplyOctets);
  if (stage_ == Stage::kStartTls && line.starts_with("220")) stage_ = Stage::kHandshake;
}

Result<void> MxSession::verdict(int curl_code, bool stood_still) const {
  if (auto fault = connection_.local_fault(curl_code); !fault.empty())
    return fail(ErrorCode::kLocalFault, std::move(fault));
  if (stage_ >= Stage::kStartTls && !is_starttls_offered_)
    return fail(ErrorCode::kStartTlsNotSupported, where_ + ": STARTTLS is not offered");
  if (auto fault = connection_.certificate_fault(curl_code)) return fail(fault->session, std::move(fault->text));
  // The limit passed, or the host gave up, while this process did not read.
  if (curl_code != CURLE_OK && stood_still)
    return fail(ErrorCode::kNotTried, where_ + ": this process was busy or stood still and could not try it in time");
  if (curl_code != CURLE_OK) return failure(curl_code);
  if (connection_.san_rule().was_applied() && stage_ == Stage::kTls) return {};
  return fail(ErrorCode::kInternal, "the certificate of " + where_ + " was not checked for a DNS subjectAltName");
}

MxAddressFact MxSession::fact(int curl_code) const {
  MxAddressFact fact;
  if (fact.not_tried = connection_.local_fault(curl_code); !fact.not_tried.empty()) return fact;
  const auto failed = curl_code == CURLE_OK ? Result<void>{} : failure(curl_code);
  const bool is_put_off = stage_ == Stage::kEhlo && !failed && failed.error().code == ErrorCode::kUnreachable;
  fact.is_reached = is_ehlo_answered_ && !is_put_off;
  if (!failed && !fact.is_reached) fact.error = failed.error().detail;
  if (!fact.is_reached || (!failed && failed.error().code == ErrorCode::kStartTlsNotSupported)) return fact;
  fact.offers_starttls = is_starttls_offered_;
  if (failed || !fact.offers_starttls) return fact;
  fact.tls.is_too_old = connection_.is_tls_too_old(curl_code);
  if (!fact.tls.is_too_old) fact.tls.error = failed.error().detail;
  return fact;
}

Result<void> MxSession::failure(int curl_code) const {
  const std::string where = where_ + ": ";
  const bool is_refused_for_good = curl_code == CURLE_REMOTE_ACCESS_DENIED && reply_.starts_with('5');
  if (stage_ == Stage::kEhlo && (curl_code == CURLE_USE_SSL_FAILED || is_refused_for_good))
    return fail(ErrorCode::kStartTlsNotSupported, where + "STARTTLS is not offered");
  if (stage_ == Stage::kStartTls && curl_code == CURLE_USE_SSL_FAILED)
    return fail(ErrorCode::kStartTlsNotSupported, where + "STARTTLS is refused: " + escaped(reply_));
  if (stage_ == Stage::kHandshake) return fail(ErrorCode::kValidationFailure, where + "TLS fails: " + words(curl_code));
  return fail(ErrorCode::kUnreachable, where + words(curl_code));
}

std::string MxSession::words(int curl_code) const {
  if (says_too_much_ || curl_code == kCurlTooLarge) return "its replies have no end";
  if (curl_code == CURLE_OPERATION_TIMEDOUT) return "no answer in time";
  const bool is_reply = curl_code == CURLE_WEIRD_SERVER_REPLY || curl_code == CURLE_REMOTE_ACCESS_DENIED;
  if (is_reply && !reply_.empty()) return "it answers " + escaped(reply_);
  return connection_.error_text(curl_code);
}

void MxSession::quit() const {
  constexpr std::string_view kQuit = "QUIT\r\n";
  std::size_t sent = 0;
  curl_easy_send(easy(), kQuit.data(), kQuit.size(), &sent);
}

}  // namespace mtasts
