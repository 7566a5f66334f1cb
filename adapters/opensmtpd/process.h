// The table's process: smtpd's requests from a socket, one after the other, until smtpd closes it. Nothing else ends
// it, because its end would end smtpd.
#pragma once

#include <chrono>
#include <string>

namespace mtasts::opensmtpd {

// Serves on `socket` (smtpd gives it as descriptor 0). A configuration that cannot be used is told to the log and
// answered with errors - recipients elsewhere are put off - until it can be; smtpd's `update table` reads it again, and
// so does a request when it was last tried longer than `tried_again` ago. Returns the exit code.
int serve(int socket, const std::string& config_path, std::chrono::milliseconds tried_again = std::chrono::seconds(30));

}  // namespace mtasts::opensmtpd
