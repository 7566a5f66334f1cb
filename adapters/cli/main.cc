#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdlib>
#include <iostream>

#include "adapters/cli/command.h"
#include "module/io/privileges.h"

namespace {

bool wants_colour() {
  const char* refused = std::getenv("NO_COLOR");
  return ::isatty(STDOUT_FILENO) == 1 && (refused == nullptr || *refused == '\0');
}

std::size_t columns() {
  constexpr std::size_t kOrdinary = 80;
  winsize size{};
  return ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : kOrdinary;
}

}  // namespace

int main(int argc, char* argv[]) {
  try {
    const std::vector<std::string> args(argv + 1, argv + argc);
    return mtasts::cli::run(args, {std::cout, std::cerr, wants_colour(), mtasts::become_user, mtasts::make_stderr_log,
                                   &std::cin, columns(), ::isatty(STDERR_FILENO) == 1});
  } catch (const std::exception& trouble) {
    std::cerr << "mtasts: " << trouble.what() << "\n";
    return mtasts::cli::kTemporary;
  }
}
