// mtastsd: the server that Postfix, Sendmail and Exim ask.
#include <CLI/CLI.hpp>
#include <exception>
#include <string>

#include "adapters/mtastsd/daemon.h"
#include "module/config/config.h"
#include "module/io/exit_status.h"
#include "module/io/log.h"

namespace {

int run(int argc, char** argv) {
  CLI::App app{"mtastsd tells Postfix, Sendmail and Exim over a socket which TLS a domain's MTA-STS policy demands.",
               "mtastsd"};
  app.set_version_flag("--version", MTASTS_VERSION);
  std::string config = mtasts::default_config_path();
  app.add_option("--config", config, "configuration file")->capture_default_str();
  app.footer(
      "Example: mtastsd --config /etc/mtasts/mtasts.toml\n"
      "It stays in the foreground and logs to stderr. SIGHUP reads the configuration again.");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? mtasts::kExitOk : mtasts::kExitUsage;
  }
  return mtasts::mtastsd::run_daemon(config);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const std::exception& trouble) {
    mtasts::make_stderr_log()->write(mtasts::LogLevel::kError, mtasts::LogLine("ended").text("detail", trouble.what()));
    return mtasts::kExitSoftware;
  }
}
