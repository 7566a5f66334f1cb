#include "adapters/cli/setup/sendmail_mc.h"

#include "adapters/cli/setup/marks.h"

namespace mtasts::setup {
namespace {

constexpr const char* kInclude = "include(`/etc/mail/mtasts.m4')dnl";

bool is_comment(std::string_view line) { return line.starts_with("dnl") || line.starts_with('#'); }

std::size_t replace(std::string& text, const std::string& from, const std::string& to) {
  std::size_t count = 0;
  for (std::size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size()), ++count)
    text.replace(at, from.size(), to);
  return count;
}

}  // namespace

SendmailLines sendmail_lines(const std::string& text) {
  SendmailLines result;
  bool is_placed = false;
  std::string changed;
  for (const std::string& line : lines_of(text)) {
    const std::string_view words = trimmed(line);
    const auto says = [&](std::string_view what) {
      return !is_comment(words) && words.find(what) != std::string_view::npos;
    };
    if (says("mtasts.m4")) return {};  // added by hand
    if (says("FEATURE(`sts'"))
      result.refused =
          "sendmail.mc has a line FEATURE(`sts') already; take it away first (see /usr/share/doc/mtasts/migration.md)";
    if (says("SMART_HOST"))
      result.refused =
          "mail goes by a smarthost (SMART_HOST), and Sendmail would judge that by the recipients' policies; "
          "/usr/share/doc/mtasts/sendmail.md has what can be done instead";
    if (says("confCACERT'")) result.ca_file = CaFile::kOwn;
    if (!is_placed && !is_comment(words) && (words.starts_with("MAILER(") || words.starts_with("MAILER_DEFINITIONS"))) {
      changed += marked_block("dnl", "sendmail", kInclude);
      is_placed = true;
    }
    changed += line;
  }
  if (!is_placed && result.refused.empty())
    result.refused = std::string("sendmail.mc has no MAILER line; put ") + kInclude +
                     " where it belongs by hand, see /usr/share/doc/mtasts/sendmail.md";
  if (result.refused.empty()) result.text = changed;
  return result;
}

std::string mtasts_m4(const std::string& installed, const std::string& address, CaFile ca_file) {
  std::string socket = "local:" + address.substr(address.find(':') + 1);
  if (address.starts_with("inet:")) {
    const std::size_t port = address.rfind(':');
    socket = "inet:" + address.substr(port + 1) + "@" + address.substr(5, port - 5);
  }
  std::string text;
  for (const std::string& line : lines_of(installed)) {
    if (ca_file == CaFile::kOwn && line.starts_with("define(`confCACERT")) continue;
    text += line;
  }
  for (const char* shipped : {"inet:8461@127.0.0.1", "local:/run/mtasts/socketmap.sock"}) {
    if (socket != shipped) replace(text, shipped, socket);
  }
  return text;
}

std::string with_m4_inside(const std::string& mc, const std::string& m4) {
  std::string text = mc;
  replace(text, std::string(kInclude) + "\n", m4);
  return text;
}

std::string without_comments(const std::string& cf) {
  std::string text;
  for (const std::string& line : lines_of(cf)) {
    if (!line.starts_with('#') && !trimmed(line).empty()) text += line;
  }
  return text;
}

}  // namespace mtasts::setup
