// What our programs end with: the codes of sysexits.h that scripts, service managers and monitoring go by. Commands
// with codes of their own take those here for what is the same everywhere.
#pragma once

#include <sysexits.h>

namespace mtasts {

enum ExitStatus : int {
  kExitOk = EX_OK,
  kExitUsage = EX_USAGE,          // the command line is wrong, or the program is not started by what it is made for
  kExitSoftware = EX_SOFTWARE,    // a defect of ours, or no memory
  kExitSystem = EX_OSERR,         // the system refused what a program needs
  kExitTemporary = EX_TEMPFAIL,   // try again
  kExitProtocol = EX_PROTOCOL,    // the other end does not speak as agreed
  kExitConfiguration = EX_CONFIG  // mtasts.toml or what it names; starting again does not help
};

}  // namespace mtasts
