// Sendmail's sendmail.mc as text, and what of it decides whether MTA-STS can be added.
#pragma once

#include <string>

namespace mtasts::setup {

// Whose confCACERT holds: the one of mtasts.m4, or one that the administrator has set.
enum class CaFile { kOurs, kOwn };

struct SendmailLines {
  std::string text;     // sendmail.mc with our block; empty when nothing is to be changed
  std::string refused;  // why not, and the way out
  CaFile ca_file = CaFile::kOurs;
};

SendmailLines sendmail_lines(const std::string& text);

// mtasts.m4 as it was installed, for this address of mtastsd (as in socketmap.listen); kOwn: without the lines for
// the certificate authorities.
std::string mtasts_m4(const std::string& installed, const std::string& address, CaFile ca_file);

// sendmail.mc with the text of mtasts.m4 in place of its include, for an m4 that cannot read it yet.
std::string with_m4_inside(const std::string& mc, const std::string& m4);

// The lines of a sendmail.cf that count: its comments tell when and where it was made.
std::string without_comments(const std::string& cf);

}  // namespace mtasts::setup
