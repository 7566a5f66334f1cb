// What the declarations of the command line are used for besides parsing: a word that is no command is named, and
// shells complete words.
#pragma once

#include <optional>
#include <span>
#include <string>

namespace CLI {
class App;
}

namespace mtasts::cli {

// "unknown command 'qurey'; did you mean query?", when a word stands where a command must and is none.
std::optional<std::string> unknown_command(const CLI::App& app, std::span<const std::string> args);

// The script that a shell reads, for "bash", "zsh" or "fish".
std::string completion_script(const CLI::App& app, const std::string& shell);

}  // namespace mtasts::cli
