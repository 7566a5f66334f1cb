// table-mtasts: OpenSMTPD's table backend. smtpd starts it as `table-mtasts <table name> [<configuration file>]`.
#include <unistd.h>

#include <exception>

#include "adapters/opensmtpd/process.h"
#include "module/config/config.h"
#include "module/io/exit_status.h"
#include "module/io/log.h"

int main(int argc, char** argv) {
  try {
    return mtasts::opensmtpd::serve(STDIN_FILENO, argc > 2 ? argv[2] : mtasts::default_config_path());
  } catch (const std::exception& trouble) {
    mtasts::make_syslog_log()->write(mtasts::LogLevel::kError, mtasts::LogLine("ended").text("detail", trouble.what()));
    return mtasts::kExitSoftware;
  }
}
