#include "module/registrable_domain.h"

#include <libpsl.h>

namespace mtasts {

// The list that is compiled into the library: no file is read, and nothing has to be loaded.
std::string registrable_domain(const std::string& domain) {
  const char* registrable = ::psl_registrable_domain(::psl_builtin(), domain.c_str());
  return registrable != nullptr ? registrable : domain;
}

}  // namespace mtasts
