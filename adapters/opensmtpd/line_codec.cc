// Lines of text, fields between '|'. Nothing is escaped; the last field may hold any byte but a line's end.
#include <algorithm>
#include <vector>

#include "adapters/opensmtpd/codec.h"

namespace mtasts::opensmtpd {
namespace {

using Operation = Request::Operation;
using Service = Request::Service;

// A line of smtpd's holds a domain at most; a peer that sends more without a line's end is not smtpd.
constexpr std::size_t kMaxLine = 16'384;

// The first `count` fields, the last with everything that follows; fewer when there are fewer.
std::vector<std::string_view> fields(std::string_view line, std::size_t count) {
  std::vector<std::string_view> found;
  while (found.size() + 1 < count) {
    const std::size_t bar = line.find('|');
    if (bar == std::string_view::npos) break;
    found.push_back(line.substr(0, bar));
    line.remove_prefix(bar + 1);
  }
  found.push_back(line);
  return found;
}

Service service_of(std::string_view name) {
  if (name == "domain") return Service::kDomain;
  return name == "relayhost" ? Service::kRelayHost : Service::kOther;
}

Operation operation_of(std::string_view name) {
  if (name == "check") return Operation::kCheck;
  if (name == "lookup") return Operation::kLookup;
  return name == "fetch" ? Operation::kFetch : Operation::kUnknown;
}

// table|<version>|<time>|<table>|update|<id>, …|check|<service>|<id>|<key>, …|fetch|<service>|<id>
std::optional<Request> read_question(std::string_view line) {
  const auto words = fields(line, 8);
  if (words.size() == 6 && words[4] == "update")
    return Request{Operation::kUpdate, Service::kOther, {}, std::string(words[5])};
  if (words.size() < 7) return std::nullopt;
  const Operation operation = operation_of(words[4]);
  const bool has_key = words.size() == 8;
  if (operation == Operation::kUnknown || has_key == (operation == Operation::kFetch)) return std::nullopt;
  return Request{operation, service_of(words[5]), std::string(has_key ? words[7] : ""), std::string(words[6])};
}

// Lines that want no answer give none; so does one that we do not know, because an answer to it would be a guess.
std::optional<Request> read_line(std::string_view line) {
  if (line == "config|ready") return Request{Operation::kHello, Service::kOther, {}, {}};
  return line.starts_with("table|") ? read_question(line) : std::nullopt;
}

std::string result_name(Operation operation) {
  if (operation == Operation::kCheck) return "check-result";
  return operation == Operation::kFetch ? "fetch-result" : "lookup-result";
}

bool is_one_line(std::string_view value) {
  return !value.empty() && value.find_first_of(std::string_view("\n\0", 2)) == std::string_view::npos;
}

// `error` stands alone: with a reason behind it, smtpd takes it for nonsense.
std::string result(const Request& request, const Answer& answer) {
  if (answer.kind == Answer::Kind::kNotFound) return "not-found";
  if (answer.kind == Answer::Kind::kError) return "error";
  if (request.operation == Operation::kCheck) return "found";
  return is_one_line(answer.value) ? "found|" + answer.value : "error";
}

class LineCodec final : public Codec {
 public:
  [[nodiscard]] Decoded decode(std::string_view bytes) const override {
    const std::size_t end = bytes.find('\n');
    if (end == std::string_view::npos) return {.is_foreign = bytes.size() > kMaxLine};
    return {end + 1, read_line(bytes.substr(0, end)), false};
  }

  [[nodiscard]] std::string encode(const Request& request, const Answer& answer) const override {
    switch (request.operation) {
      case Operation::kHello:
        return "register|domain\nregister|relayhost\nregister|ready\n";
      case Operation::kUpdate:
        return "update-result|" + request.id + "|ok\n";
      case Operation::kCheck:
      case Operation::kLookup:
      case Operation::kFetch:
        return result_name(request.operation) + "|" + request.id + "|" + result(request, answer) + "\n";
      case Operation::kClose:
      case Operation::kUnknown:
        return {};
    }
    return {};
  }

  [[nodiscard]] bool may_lack_sni() const override { return false; }
};

}  // namespace

std::unique_ptr<Codec> make_line_codec() { return std::make_unique<LineCodec>(); }

}  // namespace mtasts::opensmtpd
