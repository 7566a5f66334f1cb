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

}  // namespace

int main(int argc, char* argv[]) {
  try {
    const std::vector<std::string> words(argv + 1, argv + argc);
    return mtasts::cli::run(words,
                            {std::cout, std::cerr, wants_colour(), mtasts::become_user, mtasts::make_stderr_log});
  } catch (const std::exception& trouble) {
    std::cerr << "mtasts: " << trouble.what() << "\n";
    return mtasts::cli::kTemporary;
  }
}
