// What another user sees. Root's rights, once given up, do not come back: a process of its own looks.
#pragma once

#include <functional>
#include <string>

#include "adapters/cli/command.h"

namespace mtasts::cli {

// What `look` returns in a process that tried to become `user`; it is told what came of that. Error kLocalFault: nobody
// looked, or not to the end; the detail is half a sentence.
Result<std::string> seen_by(const std::string& user, const Environment& environment,
                            const std::function<std::string(const Result<void>& became)>& look);

}  // namespace mtasts::cli
