// `mtasts report FILE…`: what others report of the TLS of their mail to us (RFC 8460), summed up.
#pragma once

#include <sysexits.h>

#include <functional>
#include <ostream>
#include <string>
#include <vector>

#include "core/result.h"

namespace mtasts::report {

enum ReportExit : int {
  kAllCounted = 0,
  kSomeRefused = EX_DATAERR,
  kSomeUnreadable = EX_NOINPUT,  // also where others are refused
  kNoPage = EX_CANTCREAT,
  kNotConfined = EX_CONFIG,
};

struct Options {
  std::vector<std::string> files;
  bool json = false;
  std::string html;  // where the page goes; "-": standard output, in place of the table; "": none
};

struct Environment {
  std::ostream& out;
  std::ostream& err;
  bool colour = false;
  // Gives root's rights up: what strangers wrote is parsed afterwards.
  std::function<Result<void>()> give_up_rights;
};

int report(const Options& options, const Environment& environment);

}  // namespace mtasts::report
