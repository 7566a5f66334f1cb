// Root's rights, given up.
#pragma once

#include <string>

#include "core/result.h"

namespace mtasts {

// Gives up for good what this process may do beyond any other of its user's. With root's rights it becomes `user`, with
// the group that the user database names and no other; with other rights it stays who it is. Afterwards it has no
// capability and cannot gain one, real, effective and saved ids are the same, and its memory is nobody's to read. Error
// kLocalFault: no such user, or rights that would be left.
Result<void> become_user(const std::string& user);

}  // namespace mtasts
