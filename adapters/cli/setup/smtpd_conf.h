// OpenSMTPD's smtpd.conf as text, and the lines for MTA-STS that go into it.
#pragma once

#include <string>

namespace mtasts::setup {

struct SmtpdLines {
  std::string text;     // the whole file, with our blocks; empty when nothing is to be changed
  std::string refused;  // why the file is left to the administrator, and the way out
  std::string by_hand;  // the lines and where they go
};

// Changed where mail to others goes by actions and rules as in smtpd.conf(5)'s examples:
//     action "x" relay
//     match from local for any action "x"
// `config_path`: of mtasts.toml, for the table.
SmtpdLines smtpd_lines(const std::string& text, const std::string& config_path);

}  // namespace mtasts::setup
