// What Debian's Exim gets of ours: three files, or three blocks in its template, and whether those that are in force
// are still what is shipped. An upgrade of the package replaces none of them.
#pragma once

#include <string>
#include <vector>

namespace mtasts::setup {

enum class EximKind { kInternet, kSmarthost };

struct EximPart {
  const char* source;   // below the data folder's "exim" or "exim-socket"
  const char* target;   // below /etc/exim4/conf.d
  const char* section;  // of the template, before which it goes
};

const std::vector<EximPart>& exim_parts(EximKind kind);

// Whether Exim still uses a file or block that "mtasts setup exim" of another version made. What the administrator
// edited is his. False also where there is no record of a setup, or it cannot be read.
bool has_old_exim_parts(const std::string& root, const std::string& data_folder);

}  // namespace mtasts::setup
