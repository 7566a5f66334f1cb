// Root's rights, given up.
#pragma once

#include <string>

#include "core/result.h"

namespace mtasts {

// Gives up root's rights for good and becomes `user`; does nothing for anybody but root. Error kLocalFault: no such
// user.
Result<void> become_user(const std::string& user);

}  // namespace mtasts
