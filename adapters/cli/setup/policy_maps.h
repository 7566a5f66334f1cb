// What mtasts adds to main.cf, decided from its text and from what was seen of the machine. No file is read here.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "adapters/cli/setup/main_cf.h"

namespace mtasts::setup {

struct PostfixFacts {
  int major = 0;  // 3.10.13: 3 and 10
  int minor = 0;
  std::string map;      // "socketmap:unix:mtasts/socketmap.sock", without the map's name
  std::string ca_file;  // the authorities of this machine
  bool validating_resolver = false;
  bool dnssec_is_set_up = false;  // relies_on_dnssec(main.cf as it is)
};

struct PostfixLines {
  std::vector<std::pair<std::string, std::string>> settings;
  std::vector<std::string> notes;
  std::string refused;  // why not, and the way out
};

// Whether lines of an earlier setup in main.cf need a validating resolver. They stay while none answers: without them
// Postfix would check no TLSA records, and defer mail to domains of which mtastsd says "dane-only".
bool relies_on_dnssec(const std::string& main_cf);

// What is done with maps of other MTA-STS software. kKept: where there is one, the plan is refused.
enum class OtherMaps { kKept, kReplaced };
PostfixLines postfix_lines(const MainCf& main_cf, const PostfixFacts& facts, OtherMaps others);

}  // namespace mtasts::setup
