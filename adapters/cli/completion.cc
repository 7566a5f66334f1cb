// Completions for shells, made from the same declarations as --help.
#include <CLI/CLI.hpp>

#include "adapters/cli/declarations.h"
#include "core/joined.h"

namespace mtasts::cli {
namespace {

struct Word {
  std::string text;
  std::string description;
  bool takes_value = false;
};

// What can follow a command: "mtasts cache" is followed by "list".
struct Command {
  std::string path;
  std::vector<Word> commands;
  std::vector<Word> options;
  std::vector<std::string> values;  // what a positional argument may be, where only few words are allowed
};

// "{exim,postfix}", as CLI::IsMember describes itself, somewhere in the type's name.
std::vector<std::string> values_of(const CLI::Option& option) {
  const std::string type = option.get_type_name();
  const std::size_t begin = type.find('{');
  const std::size_t end = type.find('}', begin);
  if (begin == std::string::npos || end == std::string::npos) return {};
  return CLI::detail::split(type.substr(begin + 1, end - begin - 1), ',');
}

void collect(const CLI::App& app, const std::string& path, std::vector<Command>& all) {
  Command command{path, {}, {}, {}};
  for (const CLI::Option* option : app.get_options([](const CLI::Option*) { return true; })) {
    for (const std::string& name : option->get_lnames())
      command.options.push_back({"--" + name, option->get_description(), option->get_items_expected_max() > 0});
    if (option->get_positional()) command.values = values_of(*option);
  }
  const auto below = app.get_subcommands([](const CLI::App*) { return true; });
  for (const CLI::App* one : below) command.commands.push_back({one->get_name(), one->get_description()});
  all.push_back(std::move(command));
  for (const CLI::App* one : below) collect(*one, path + " " + one->get_name(), all);
}

// In single quotes, as all three shells read it.
std::string in_single_quotes(const std::string& text) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'')
      out += R"('\'')";
    else
      out += c;
  }
  return out + "'";
}

std::string words_of(const Command& command) {
  std::vector<std::string> words;
  for (const Word& word : command.commands) words.push_back(word.text);
  words.insert(words.end(), command.values.begin(), command.values.end());
  for (const Word& word : command.options) words.push_back(word.text);
  return joined(words, " ");
}

// A case of a shell's `case "$path $word"` for each command that goes a step deeper.
std::string steps(const std::vector<Command>& all) {
  std::string pattern;
  for (const Command& command : all) {
    for (const Word& word : command.commands)
      pattern += (pattern.empty() ? "" : " | ") + ("\"" + command.path + " " + word.text + "\"");
  }
  return pattern;
}

std::string bash(const std::vector<Command>& all) {
  std::string out =
      "# bash completion for mtasts; made by: mtasts completion bash\n"
      "_mtasts() {\n"
      "  local path=mtasts word words=\n"
      "  for word in \"${COMP_WORDS[@]:1:COMP_CWORD-1}\"; do\n"
      "    case \"$path $word\" in\n      " +
      steps(all) +
      ") path=\"$path $word\" ;;\n"
      "    esac\n"
      "  done\n"
      "  case $path in\n";
  for (const Command& command : all)
    out += "    \"" + command.path + "\") words=" + in_single_quotes(words_of(command)) + " ;;\n";
  return out +
         "  esac\n"
         "  mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"${COMP_WORDS[COMP_CWORD]}\")\n"
         "}\n"
         "complete -o default -F _mtasts mtasts\n";
}

// A colon ends the word in what _describe reads.
std::string described(const Word& word) { return in_single_quotes(word.text + ":" + word.description); }

std::string zsh(const std::vector<Command>& all) {
  std::string out =
      "#compdef mtasts\n"
      "# zsh completion for mtasts; made by: mtasts completion zsh\n"
      "_mtasts() {\n"
      "  local at=mtasts word\n"
      "  local -a choices\n"
      "  for word in \"${(@)words[2,CURRENT-1]}\"; do\n"
      "    case \"$at $word\" in\n      " +
      steps(all) +
      ") at=\"$at $word\" ;;\n"
      "    esac\n"
      "  done\n"
      "  case $at in\n";
  for (const Command& command : all) {
    out += "    \"" + command.path + "\") choices=(";
    for (const Word& word : command.commands) out += "\n      " + described(word);
    for (const std::string& value : command.values) out += "\n      " + in_single_quotes(value);
    for (const Word& word : command.options) out += "\n      " + described(word);
    out += ") ;;\n";
  }
  return out +
         "  esac\n"
         "  _describe mtasts choices || _files\n"
         "}\n"
         "_mtasts \"$@\"\n";
}

std::string fish(const std::vector<Command>& all) {
  std::string out =
      "# fish completion for mtasts; made by: mtasts completion fish\n"
      "function __mtasts_at\n"
      "  set -l path mtasts\n"
      "  for word in (commandline -opc)[2..-1]\n"
      "    switch \"$path $word\"\n"
      "      case";
  for (const Command& command : all) {
    for (const Word& word : command.commands) out += " " + in_single_quotes(command.path + " " + word.text);
  }
  out +=
      "\n        set path \"$path $word\"\n"
      "    end\n"
      "  end\n"
      "  test \"$path\" = \"$argv\"\n"
      "end\n";
  for (const Command& command : all) {
    const std::string line = "complete -c mtasts -n " + in_single_quotes("__mtasts_at " + command.path);
    for (const Word& word : command.commands)
      out += line + " -f -a " + word.text + " -d " + in_single_quotes(word.description) + "\n";
    for (const std::string& value : command.values) out += line + " -f -a " + in_single_quotes(value) + "\n";
    for (const Word& word : command.options)
      out += line + (word.takes_value ? " -r" : "") + " -l " + word.text.substr(2) + " -d " +
             in_single_quotes(word.description) + "\n";
  }
  return out;
}

}  // namespace

std::string completion_script(const CLI::App& app, const std::string& shell) {
  std::vector<Command> all;
  collect(app, "mtasts", all);
  if (shell == "bash") return bash(all);
  return shell == "zsh" ? zsh(all) : fish(all);
}

}  // namespace mtasts::cli
