// Any line of a client of Exim's socket: the words are what ${quote:...} made of them, and the answer is one line.
#include "adapters/exim/line_protocol.h"
#include "adapters/exim/request_line.h"
#include "tests/fuzz/fuzz.h"

using mtasts::fuzz::require;

namespace {

// As Exim writes a word, always in quotes.
std::string in_quotes(std::string_view word) {
  std::string out = "\"";
  for (const char c : word) {
    if (c == '\n' || c == '\r') {
      out += c == '\n' ? "\\n" : "\\r";
      continue;
    }
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + '"';
}

class NoLog final : public mtasts::Log {
  void emit(mtasts::LogLevel /*level*/, const std::string& line) override {
    require(mtasts::fuzz::is_one_line(line), "the log is told one line");
  }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes = mtasts::fuzz::text(data, size);
  const auto cut = mtasts::kEximFraming.cut(bytes);
  if (cut.kind != mtasts::server::Cut::Kind::kComplete) return 0;
  require(cut.payload.find('\n') == std::string_view::npos, "a line has no line end in it");
  require(cut.consumed == cut.payload.size() + 1 && cut.consumed <= mtasts::kMaxRequestLine, "it ends at its end");
  if (const auto words = mtasts::parse_request_line(cut.payload)) {
    std::string again;
    for (const std::string& word : *words) again += (again.empty() ? "" : " ") + in_quotes(word);
    require(mtasts::parse_request_line(again).value() == *words, "words that are quoted come back");
  }
  NoLog log;
  mtasts::EximProtocol protocol(log);
  const mtasts::Decision decision = mtasts::no_policy("none");
  const auto reading =
      protocol.read(cut.payload, {"uid 0"}, [&](const mtasts::Domain& /*domain*/) { return decision; });
  const std::string answer =
      reading.answer ? reading.answer->frame : protocol.answer(*reading.question, decision).frame;
  require(answer.find('\n') == answer.size() - 1, "the answer is one line");
  return 0;
}
