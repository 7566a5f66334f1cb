// The process around the server: configuration, signals, the service manager.
#pragma once

#include <string>

namespace mtasts::mtastsd {

// Serves until SIGTERM or SIGINT; SIGHUP reads the configuration again. Returns the exit code (sysexits.h): 0, or 78
// after having said what is wrong. Started as root it opens its sockets first and becomes `[engine] user` then.
int run_daemon(const std::string& config_path);

}  // namespace mtasts::mtastsd
