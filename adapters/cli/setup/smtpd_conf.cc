#include "adapters/cli/setup/smtpd_conf.h"

#include <algorithm>
#include <vector>

#include "adapters/cli/setup/marks.h"
#include "core/joined.h"

namespace mtasts::setup {
namespace {

using Tokens = std::vector<std::string>;

// One statement: its lines as they are, and its words without comments. A line that ends with "\" goes on.
struct Statement {
  std::string text;
  Tokens tokens;
};

void add_tokens(Tokens& tokens, std::string_view line) {
  std::string token;
  bool quoted = false;
  for (const char c : line) {
    if (c == '"') quoted = !quoted;
    if (!quoted && c == '#') break;
    if (quoted || (c != ' ' && c != '\t' && c != '\r' && c != '\n')) {
      token += c;
    } else if (!token.empty()) {
      tokens.push_back(std::move(token));
      token.clear();
    }
  }
  if (!token.empty()) tokens.push_back(std::move(token));
}

std::vector<Statement> statements_of(const std::string& text) {
  std::vector<Statement> all;
  bool goes_on = false;
  for (const std::string& line : lines_of(text)) {
    if (!goes_on) all.emplace_back();
    all.back().text += line;
    const std::string_view words = trimmed(line);
    goes_on = words.ends_with('\\');
    add_tokens(all.back().tokens, goes_on ? words.substr(0, words.size() - 1) : words);
  }
  return all;
}

bool has(const Tokens& tokens, std::string_view word) {
  return std::find(tokens.begin(), tokens.end(), word) != tokens.end();
}

std::string bare(std::string token) {
  std::erase(token, '"');
  return token;
}

constexpr const char* kOurAction = "\"mtasts\"";

// "match ... for any action NAME" with a relay action.
class Rules {
 public:
  Rules(const std::string& text, std::string config_path)
      : statements_(statements_of(text)), config_path_(std::move(config_path)) {}

  SmtpdLines make() {
    for (const Statement& statement : statements_) look_at(statement.tokens);
    for (const Statement& statement : statements_) look_at_rule(statement.tokens);
    SmtpdLines lines;
    if (is_there_) return lines;
    if (problem_.empty())
      problem_ = action_.empty() ? "no rule \"match ... for any action ...\" with an action \"relay\" was found"
                                 : problem_of_action();
    if (problem_.empty()) {
      lines.text = changed();
      return lines;
    }
    lines.refused = problem_ + "; /usr/share/doc/mtasts/opensmtpd.md explains what to add, and nothing is changed here";
    lines.by_hand = by_hand();
    return lines;
  }

 private:
  void look_at(const Tokens& tokens) {
    if (!tokens.empty() && tokens[0] == "include")
      problem_ = "\"" + joined(tokens, " ") + "\" brings lines of another file, which are not looked at";
    if (tokens.size() < 3) return;
    if (tokens[0] == "table" && tokens[2].find("mtasts:") != std::string::npos) is_there_ = true;
    if ((tokens[0] == "table" || tokens[0] == "ca" || tokens[0] == "action") && bare(tokens[1]) == "mtasts")
      problem_ = "the name \"mtasts\" is used already by \"" + joined(tokens, " ") + "\"";
    if (tokens[0] == "action" && tokens[2] == "relay") relays_.push_back(tokens);
  }

  void look_at_rule(const Tokens& tokens) {
    if (is_for_any(tokens)) return look_at_match(tokens);
    if (tokens.empty() || tokens[0] != "match" || !has(tokens, "action")) return;
    // Its mail would go by the recipients' MX hosts, and by none of our rules.
    if (const Tokens* action = relay(bare(tokens.back())); action != nullptr && !names_next_hop(*action))
      problem_ = "the rule \"" + joined(tokens, " ") + "\" sends mail to others and is not \"for any\"";
  }

  static bool names_next_hop(const Tokens& action) { return has(action, "host") || has(action, "domain"); }

  static bool is_for_any(const Tokens& tokens) {
    if (tokens.size() < 3) return false;
    const auto target = std::find(tokens.begin(), tokens.end(), "for");
    return tokens[0] == "match" && target != tokens.end() && target + 1 != tokens.end() && *(target + 1) == "any" &&
           has(tokens, "action");
  }

  [[nodiscard]] const Tokens* relay(const std::string& name) const {
    const auto found =
        std::find_if(relays_.begin(), relays_.end(), [&](const Tokens& one) { return bare(one[1]) == name; });
    return found == relays_.end() ? nullptr : &*found;
  }

  void look_at_match(const Tokens& tokens) {
    const std::string name = bare(tokens.back());
    if (relay(name) == nullptr) return;  // delivered here
    if (!action_.empty() && action_ != name) problem_ = "mail to others goes by several actions";
    action_ = name;
    // smtpd asks the table before it looks at "auth": every client could make it wait.
    if (has(tokens, "auth") || (word_after(tokens, "from") == "any" && !needs_login(word_after(tokens, "tag")))) {
      problem_ = "the rule \"" + joined(tokens, " ") +
                 "\" lets smtpd ask about domains for clients that have not logged in; it needs a tag, as in "
                 "/usr/share/doc/mtasts/examples/opensmtpd/submission.conf";
    }
    const bool is_plain = std::all_of(tokens.begin() + 1, tokens.end(), [](const std::string& word) {
      return !word.starts_with('!') && word != "mail-from" && word != "rcpt-to" && word != "helo" && word != "tls";
    });
    if (!is_plain) problem_ = "the rule \"" + joined(tokens, " ") + "\" has more conditions than can be copied";
  }

  static std::string word_after(const Tokens& tokens, std::string_view word) {
    const auto found = std::find(tokens.begin(), tokens.end(), word);
    return found == tokens.end() || found + 1 == tokens.end() ? std::string() : bare(*(found + 1));
  }

  // Whether only clients that have logged in have the tag.
  [[nodiscard]] bool needs_login(const std::string& tag) const {
    bool is_used = false;
    for (const Statement& statement : statements_) {
      const Tokens& tokens = statement.tokens;
      if (tag.empty() || tokens.empty() || tokens[0] != "listen" || word_after(tokens, "tag") != tag) continue;
      if (!has(tokens, "auth")) return false;
      is_used = true;
    }
    return is_used;
  }

  [[nodiscard]] std::string problem_of_action() const {
    const Tokens& action = *relay(action_);
    if (has(action, "host"))
      return "the action \"" + action_ +
             "\" sends everything to a smarthost, whose certificate smtpd checks by itself with "
             "\"smtp+tls://\" and \"tls\", see /usr/share/doc/mtasts/examples/opensmtpd/smarthost.conf";
    for (const std::string_view word : {"domain", "backup", "tls", "ca", "auth"}) {
      if (has(action, word)) return "the action \"" + joined(action, " ") + "\" has an option that cannot be copied";
    }
    return {};
  }

  // The options of the administrator's action (helo, src, ...) stay in ours.
  [[nodiscard]] std::string our_action() const {
    const Tokens* action = relay(action_);
    Tokens options = action == nullptr ? Tokens() : Tokens(action->begin() + 3, action->end());
    return std::string("action ") + kOurAction + " relay" + (options.empty() ? "" : " " + joined(options, " ")) +
           " domain <mtasts> tls ca \"mtasts\"\n";
  }

  static std::string our_match(Tokens tokens) {
    const auto target = std::find(tokens.begin(), tokens.end(), "for");
    *(target + 1) = "domain <mtasts>";
    tokens.back() = kOurAction;
    return joined(tokens, " ") + "\n";
  }

  [[nodiscard]] std::string definitions() const {
    return "table mtasts mtasts:" + config_path_ + "\nca \"mtasts\" cert \"/etc/ssl/certs/ca-certificates.crt\"\n" +
           our_action();
  }

  [[nodiscard]] std::string changed() const {
    std::string text;
    bool is_first = true;
    for (const Statement& statement : statements_) {
      const bool is_rule = is_for_any(statement.tokens) && bare(statement.tokens.back()) == action_;
      if (is_rule)
        text +=
            marked_block("#", "opensmtpd", (is_first ? definitions() : std::string()) + our_match(statement.tokens));
      is_first = is_first && !is_rule;
      text += statement.text;
    }
    return text;
  }

  [[nodiscard]] std::string by_hand() const {
    const Tokens* action = relay(action_);
    if (action != nullptr && has(*action, "host")) return {};
    return "Above the first \"match\" line:\n" + definitions() +
           "Before each rule by which mail to others goes, a copy of it for these domains, such as\n"
           "match from local for domain <mtasts> action \"mtasts\"\n";
  }

  std::vector<Statement> statements_;
  std::string config_path_;
  std::vector<Tokens> relays_;
  std::string action_;
  std::string problem_;
  bool is_there_ = false;
};

}  // namespace

SmtpdLines smtpd_lines(const std::string& text, const std::string& config_path) {
  return Rules(text, config_path).make();
}

}  // namespace mtasts::setup
