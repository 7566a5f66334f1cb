// What the setup of one host consists of. A plan is made by looking only.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "adapters/cli/setup/files.h"
#include "adapters/cli/setup/machine.h"
#include "adapters/cli/setup/state.h"
#include "module/config/config.h"

namespace mtasts::setup {

// One file as it is to be.
struct Change {
  std::string path;
  std::string after;
  Folder folder{};
  // Looks at the new file, by its temporary path, before it is in force.
  std::function<Result<void>(const std::string& candidate)> try_out{};
  // Done when this file, and all before it, are in force. An error takes everything back.
  std::function<Result<void>()> then{};
  // Made by a program from the files before it: the host's `settle` makes it again where it is another one by then.
  bool is_generated = false;
  // Looks only, whether what is in force works, where no file is to be changed and `try_out` cannot tell.
  std::function<Result<void>()> still_works{};
};

struct Plan {
  std::vector<std::string> found;  // what the host is, one sentence a line
  std::vector<Change> changes;     // in the order in which they are made
  std::vector<std::string> notes;  // what the administrator should know besides
  std::vector<std::string> steps;  // what is done besides files, in words
  Facts facts;                     // kept for the way back
  std::string refused;             // why nothing is changed and what to do instead; "": nothing speaks against it
  std::string by_hand;             // lines to be added by hand, where that is the way out
};

// <datadir>/mtasts: the files that setup copies. They are not among the documentation, which dpkg may leave out.
std::string default_data_folder();

// What the administrator said on the command line.
struct Wishes {
  std::string config_path;  // of mtasts.toml
  std::string socket;       // where Postfix or Sendmail reaches mtastsd; "": find out
  bool replace = false;     // other MTA-STS software, and files that are in the way, may be replaced
  std::string data_folder = default_data_folder();
};

// The configuration of mtasts on the machine. Error: it cannot be used.
Result<Config> host_config(const Machine& machine, const Wishes& wishes);

// A file as it is, and as it would be without us.
class Look {
 public:
  Look(const Machine& machine, const std::optional<Saved>& saved) : machine_(machine), saved_(saved) {}

  [[nodiscard]] const Machine& machine() const { return machine_; }
  [[nodiscard]] Result<std::optional<std::string>> current(const std::string& path) const;
  // Error when lines of ours in it were edited: the sentence says what to do.
  [[nodiscard]] Result<std::optional<std::string>> without_us(const std::string& path) const;
  [[nodiscard]] bool is_ours(const std::string& path) const { return saved_ && saved_->file(path) != nullptr; }

 private:
  const Machine& machine_;
  const std::optional<Saved>& saved_;
};

// What the mail server loads or asks; distributions have it in a package of its own.
struct NeededFile {
  std::string file;
  std::string package;
};

// One mail server. `settle` makes it read its files again after they were put back.
struct Host {
  std::string name;   // "postfix"
  std::string title;  // "Postfix"
  std::function<Result<Plan>(const Look&, const Wishes&)> plan;
  std::function<Result<void>(const Machine&, const Facts&)> settle;
  NeededFile needs{};
};

Host exim_host();
Host opensmtpd_host();
Host postfix_host();
Host sendmail_host();

}  // namespace mtasts::setup
