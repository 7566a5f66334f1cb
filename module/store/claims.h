// Who looks a domain up now: one process at a time, whichever they are. A claim is a lock on a range of the file
// `.claims` of the store's directory: the kernel gives it up with its process, however that ends, and no file is left
// for anybody to remove (docs/adr/0005-claims.md).
#pragma once

#include <memory>
#include <string>

#include "core/ports.h"
#include "module/io/descriptor.h"

namespace mtasts {

// Belongs to one thread and one process: not to be used after fork(). Must outlive its claims.
class Claims {
 public:
  explicit Claims(std::string directory) : directory_(std::move(directory)) {}

  // As PolicyStore::claim. Who may not write the file is given every claim: he can coordinate with nobody, and may not
  // hold up those who do.
  std::unique_ptr<PolicyStore::Claim> take(const Domain& domain, PolicyStore::Turn turn);

 private:
  std::string directory_;
  Descriptor file_;
};

}  // namespace mtasts
