// One SMTP session with an MX host at one address, as far as R25 wants it: greeting, EHLO, STARTTLS, TLS, EHLO, QUIT.
// A libcurl easy handle that is set up for it, and the verdict on how it went.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "core/domain.h"
#include "core/inspection.h"
#include "core/result.h"
#include "fetch/connection.h"
#include "fetch/prober.h"

namespace mtasts {

class MxSession {
 public:
  struct Peer {
    const Domain& host;
    const IpAddress& address;
    MxProber::Sni sni;
    std::function<void()> look{};  // as of ConnectionConfig; it is there where the certificate is only looked at
  };
  // `time`: for the whole session. Errors as of Connection::prepare().
  static Result<std::unique_ptr<MxSession>> make(const ProberConfig& config, const Peer& peer,
                                                 std::chrono::milliseconds time);

  // The CURL*; must not be in a multi handle any more when the session is destroyed.
  [[nodiscard]] void* easy() const { return connection_.easy(); }
  [[nodiscard]] bool is_connected() const;
  // "host (address)"
  [[nodiscard]] const std::string& where() const { return where_; }
  [[nodiscard]] const Connection& connection() const { return connection_; }
  // What the host calls itself in its answer to EHLO, escaped; empty until then.
  [[nodiscard]] const std::string& helo() const { return helo_; }
  // After libcurl ended with this CURLcode. `stood_still`: for so long that a time limit says nothing of the host.
  // Errors as MxProber::probe says.
  Result<void> verdict(int curl_code, bool stood_still) const;
  // The same for an audit: how far it came. The certificate is whoever looked at it's to add.
  [[nodiscard]] MxAddressFact fact(int curl_code) const;
  // After a good verdict, the handle still being in its multi handle: takes leave, without waiting for an answer.
  void quit() const;

 private:
  struct Callbacks;
  // How far it came.
  enum class Stage { kGreeting, kEhlo, kStartTls, kHandshake, kTls };

  MxSession(const ProberConfig& config, const Peer& peer);
  Result<void> set_options(const std::string& url, std::chrono::milliseconds time);

  void note_sent(std::string_view command);
  void note_reply(std::string_view line);
  Result<void> failure(int curl_code) const;
  std::string words(int curl_code) const;

  std::string where_;
  Stage stage_ = Stage::kGreeting;
  std::string helo_;
  std::string reply_;  // the last line of the last reply, as it came
  std::size_t reply_octets_ = 0;
  bool says_too_much_ = false;
  bool is_starttls_offered_ = false;
  bool is_ehlo_answered_ = false;
  std::function<void()> look_;
  Connection connection_;  // last, hence destroyed first: libcurl has pointers to the rest
};

}  // namespace mtasts
