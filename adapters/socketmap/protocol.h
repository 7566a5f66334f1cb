// Postfix's socketmap protocol, which Sendmail speaks too: netstrings with a map and a key, and answers with a word
// that says what became of it.
#pragma once

#include "module/config/config.h"
#include "module/server/framing.h"
#include "module/server/protocol.h"

namespace mtasts::socketmap {

// Octets of a request's payload: Postfix asks for at most so much.
inline constexpr std::size_t kMaxRequest = 10'000;

extern const server::Framing kFraming;

class SocketmapProtocol final : public server::Protocol {
 public:
  void set_dane_answer(DaneAnswer dane_answer) { dane_answer_ = dane_answer; }

  Reading read(std::string_view payload, const server::PeerProcess& process, const Cached& cached) override;
  [[nodiscard]] server::Answer answer(const server::Question& question, const Decision& decision) const override;
  [[nodiscard]] std::string_view server(const server::Question& question) const override;
  [[nodiscard]] server::Answer temporary(const std::string& reason) const override;
  [[nodiscard]] bool is_ping(std::string_view payload) const override;
  [[nodiscard]] std::vector<server::Label> labels() const override;

 private:
  DaneAnswer dane_answer_ = DaneAnswer::kDaneOnly;
};

}  // namespace mtasts::socketmap
