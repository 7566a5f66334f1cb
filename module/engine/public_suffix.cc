#include "module/engine/public_suffix.h"

#include <libpsl.h>

namespace mtasts {

std::string registrable_domain(const std::string& name) {
  // Without its list libpsl takes the last label for the suffix.
  const psl_ctx_t* list = psl_builtin();
  std::string domain = name;
  for (auto dot = name.find('.'); dot != std::string::npos; dot = name.find('.', dot + 1)) {
    const std::string parent = name.substr(dot + 1);
    const bool is_suffix = list != nullptr ? psl_is_public_suffix2(list, parent.c_str(), PSL_TYPE_ICANN) != 0
                                           : parent.find('.') == std::string::npos;
    if (is_suffix) return domain;
    domain = parent;
  }
  return domain;
}

}  // namespace mtasts
