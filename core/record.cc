#include "core/record.h"

#include <optional>

#include "core/ascii.h"

namespace mtasts {
namespace {

constexpr std::string_view kVersion = "v=STSv1";

std::string_view without_leading_blanks(std::string_view text) {
  const std::size_t start = std::min(text.find_first_not_of(" \t"), text.size());
  return text.substr(start);
}

// Takes a field delimiter - white space, `;`, white space (R6) - off the front of `text`; false if none is there.
bool take_delimiter(std::string_view& text) {
  const std::string_view after_blanks = without_leading_blanks(text);
  if (!after_blanks.starts_with(';')) return false;
  text = without_leading_blanks(after_blanks.substr(1));
  return true;
}

// What follows the version and its delimiter, or nullopt for a record that is not ours (R5).
// Erratum 6285: white space before the first `;` is accepted, as the grammar has it.
std::optional<std::string_view> fields_of(std::string_view text) {
  if (!text.starts_with(kVersion)) return std::nullopt;
  text.remove_prefix(kVersion.size());
  if (!take_delimiter(text)) return std::nullopt;
  return text;
}

bool is_value(std::string_view value) {
  return !value.empty() &&
         std::ranges::all_of(value, [](char c) { return ascii::is_printable(c) && c != ' ' && c != ';' && c != '='; });
}

RecordFinding invalid(std::string reason) { return {RecordFinding::Kind::kInvalid, {}, std::move(reason)}; }

RecordFinding read_fields(std::string_view text) {
  std::optional<std::string> id;
  while (!text.empty()) {
    const std::string_view field = text.substr(0, text.find_first_of("; \t"));
    const std::size_t equals = field.find('=');
    const std::string_view name = field.substr(0, equals);
    const std::string_view value = equals == std::string_view::npos ? std::string_view{} : field.substr(equals + 1);
    if (!ascii::is_field_name(name) || !is_value(value)) {
      return invalid("\"" + escaped(field) + "\" is not a field of the form name=value");
    }
    if (name == "id" && !id) {  // R7: the first counts
      if (!is_record_id(value)) return invalid("the id \"" + escaped(value) + "\" is not 1 to 32 letters or digits");
      id = value;
    }
    text.remove_prefix(field.size());
    if (!text.empty() && !take_delimiter(text)) return invalid("a ';' is missing after \"" + escaped(field) + '"');
  }
  if (!id) return invalid("the record has no id");
  return {RecordFinding::Kind::kFound, std::move(*id), {}};
}

}  // namespace

bool is_record_id(std::string_view text) {
  return !text.empty() && text.size() <= 32 && std::ranges::all_of(text, ascii::is_alnum);
}

RecordFinding read_record(const std::vector<std::string>& texts) {
  std::optional<std::string_view> fields;
  for (const std::string& text : texts) {
    const std::optional<std::string_view> found = fields_of(text);
    if (!found) continue;
    if (fields) return invalid("there is more than one STSv1 record");
    fields = found;
  }
  return fields ? read_fields(*fields) : RecordFinding{};
}

}  // namespace mtasts
