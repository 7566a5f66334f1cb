// Whether mtastsd answers: for containers, monitoring and whoever has just set it up.
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>

#include "adapters/cli/command.h"
#include "core/time.h"
#include "module/io/listen_socket.h"
#include "module/io/netstring.h"
#include "module/ping.h"

namespace mtasts::cli {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr std::size_t kMaxAnswer = 1000;
// What every mtastsd of whatever version answers begins with.
constexpr std::string_view kOurs = kPingAnswer.substr(0, sizeof "OK mtasts " - 1);

// Waits for as much of the answer as is there, and takes it; "": the server has closed.
Result<std::string> receive(const Descriptor& socket, SteadyTime deadline) {
  const auto left = std::chrono::ceil<milliseconds>(deadline - steady_clock::now()).count();
  pollfd waiting{socket.get(), POLLIN, 0};
  std::array<char, kMaxAnswer> bytes;
  if (::poll(&waiting, 1, static_cast<int>(std::max<decltype(left)>(left, 0))) == 0)
    return fail(ErrorCode::kDeadline, "gives no answer in time");
  const auto got = ::recv(socket.get(), bytes.data(), bytes.size(), MSG_DONTWAIT);
  if (got < 0) return fail(ErrorCode::kLocalFault, std::string("gives no answer: ") + std::strerror(errno));
  return std::string(bytes.data(), static_cast<std::size_t>(got));
}

// A frame of a socketmap server, or a line as Exim's ${readsocket} reads one.
NetstringResult parse_line(std::string_view answer) {
  const std::size_t end = answer.find('\n');
  if (end != std::string_view::npos) return {NetstringResult::Kind::kComplete, answer.substr(0, end), end + 1};
  return {answer.size() > kMaxAnswer ? NetstringResult::Kind::kMalformed : NetstringResult::Kind::kIncomplete, {}, 0};
}

Result<std::string> ask(const Descriptor& socket, PingLanguage language, SteadyTime deadline) {
  const bool is_exim = language == PingLanguage::kExim;
  const std::string question = is_exim ? std::string(kEximPingRequest) + '\n' : encode_netstring(kPingRequest);
  if (::send(socket.get(), question.data(), question.size(), MSG_NOSIGNAL) < 0)
    return fail(ErrorCode::kLocalFault, std::string("takes no question: ") + std::strerror(errno));
  std::string answer;
  for (;;) {
    const NetstringResult found = is_exim ? parse_line(answer) : parse_netstring(answer, kMaxAnswer);
    if (found.kind == NetstringResult::Kind::kComplete) return std::string(found.payload);
    if (found.kind == NetstringResult::Kind::kMalformed)
      return fail(ErrorCode::kLocalFault,
                  (is_exim ? "does not answer with a line: " : "does not answer as a socketmap server does: ") +
                      escaped(answer));
    const auto more = receive(socket, deadline);
    if (!more) return tl::unexpected(more.error());
    if (more->empty()) return fail(ErrorCode::kLocalFault, "closes the connection without an answer");
    answer += *more;
  }
}

Result<ListenAddress> exim_address(const Config& config) {
  return config.exim.listen.empty() ? parse_listen_address(std::string("unix:") + kEximSocketPath)
                                    : config.exim.listen.front();
}

Result<ListenAddress> address_of(const std::string& config_path, const PingOptions& options) {
  if (!options.socket.empty()) return parse_listen_address(options.socket);
  const auto config = load_config(config_path);
  if (!config) return tl::unexpected(config.error());
  if (options.language == PingLanguage::kExim) return exim_address(*config);
  if (!config->socketmap.listen.empty()) return config->socketmap.listen.front();
  return fail(ErrorCode::kConfig,
              "socketmap.listen is empty; name the address with --socket, or ask the socket for Exim with --exim");
}

// What an answer means; nothing if mtastsd is in service.
std::optional<std::string> fault_in(const std::string& answer) {
  if (answer.starts_with(kOurs)) return std::nullopt;
  if (answer.starts_with("TEMP ") || answer.starts_with("DEFER ")) return escaped(answer);
  return "something else answers there, not mtastsd: " + escaped(answer) +
         " (postfix-mta-sts-resolver uses port 8461, too; an mtastsd from before an upgrade needs a restart)";
}

std::string ping_json(const PingOutcome& outcome) {
  nlohmann::ordered_json json;
  json["socket"] = outcome.socket;
  json["answers"] = outcome.fault.empty();
  json["version"] = outcome.version.empty() ? nlohmann::ordered_json() : nlohmann::ordered_json(outcome.version);
  json["reason"] = outcome.fault;
  return json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

}  // namespace

PingOutcome ping_at(const ListenAddress& address, PingLanguage language, std::chrono::seconds timeout) {
  const auto deadline = steady_clock::now() + timeout;
  PingOutcome outcome{address.text, "", ""};
  const auto socket = connect_to(address, deadline);
  if (!socket) {
    outcome.fault = socket.error().detail;
    return outcome;
  }
  const auto answer = ask(*socket, language, deadline);
  const std::optional<std::string> fault = answer ? fault_in(*answer) : answer.error().detail;
  if (fault) outcome.fault = address.text + ": " + *fault;
  if (!fault) outcome.version = escaped(answer->substr(kOurs.size()), 40);
  return outcome;
}

int ping(const std::string& config_path, const PingOptions& options, const Environment& environment) {
  const auto address = address_of(config_path, options);
  if (!address) return complain(environment, address.error().detail, options.socket.empty() ? kConfiguration : kUsage);
  const PingOutcome outcome = ping_at(*address, options.language, options.timeout);
  if (options.json) environment.out << ping_json(outcome) << "\n";
  if (outcome.fault.empty()) return kApplies;
  return options.json ? kTemporary : complain(environment, outcome.fault, kTemporary);
}

}  // namespace mtasts::cli
