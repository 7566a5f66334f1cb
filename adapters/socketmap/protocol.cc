#include "adapters/socketmap/protocol.h"

#include <optional>
#include <utility>

#include "adapters/socketmap/reply.h"
#include "module/io/netstring.h"
#include "module/ping.h"

namespace mtasts::socketmap {
namespace {

using server::Answer;
using server::Cut;
using server::Question;

Cut cut(std::string_view bytes) {
  const auto found = parse_netstring(bytes, kMaxRequest);
  if (found.kind == NetstringResult::Kind::kMalformed) return {Cut::Kind::kMalformed};
  if (found.kind == NetstringResult::Kind::kIncomplete) return {Cut::Kind::kIncomplete};
  return {Cut::Kind::kComplete, found.payload, found.consumed};
}

Answer answer_of(Map map, const Reply& reply) {
  return {server::Label{map_name(map), verdict_name(reply.verdict)}, encode_netstring(reply.text),
          reply.verdict == Verdict::kTemporary, reply.is_by_dane};
}

}  // namespace

const server::Framing kFraming{
    .cut = cut, .complaint = "what it sent is no socketmap request", .farewell = "", .clients_stop_sending = false};

// What is no domain is the business of the MTA, which will find that out by itself.
SocketmapProtocol::Reading SocketmapProtocol::read(std::string_view payload, const server::PeerProcess& /*process*/,
                                                   const Cached& /*cached*/) {
  if (is_ping(payload)) return {.answer = Answer{std::nullopt, encode_netstring(kPingAnswer)}};
  const auto request = Request::parse(payload);
  if (!request)
    return {.answer = answer_of(Map::kPostfix, {Verdict::kPermanent, "PERM the request is not \"<map> <domain>\""})};
  auto domain = is_parent_key(request->key) ? std::optional<Domain>{}
                                            : policy_domain(request->key).value_or(std::optional<Domain>{});
  if (!domain) return {.answer = answer_of(request->map, {})};
  return {.question = Question{std::string(payload), static_cast<std::size_t>(request->map), std::move(*domain)}};
}

Answer SocketmapProtocol::answer(const Question& question, const Decision& decision) const {
  const Map map = static_cast<Map>(question.map);
  return answer_of(map, reply_for(map, decision, dane_answer_));
}

std::string_view SocketmapProtocol::server(const Question& question) const {
  return static_cast<Map>(question.map) == Map::kSendmail ? "sendmail" : "postfix";
}

Answer SocketmapProtocol::temporary(const std::string& reason) const {
  return answer_of(Map::kPostfix, socketmap::temporary(reason));
}

bool SocketmapProtocol::is_ping(std::string_view payload) const { return payload == kPingRequest; }

std::vector<server::Label> SocketmapProtocol::labels() const {
  std::vector<server::Label> all;
  for (std::size_t map = 0; map < kMaps; ++map) {
    for (std::size_t verdict = 0; verdict < kVerdicts; ++verdict)
      all.push_back({map_name(static_cast<Map>(map)), verdict_name(static_cast<Verdict>(verdict))});
  }
  return all;
}

}  // namespace mtasts::socketmap
