// Lets one process at a time look a domain up. A claim is a lock on a range of the file `.claims` in the store's
// directory: the kernel releases it when its process ends, and no file is left to remove (docs/adr/0005-claims.md).
// Where a domain's range lies depends on a key, the file's first sixteen octets: whoever knew the place could keep a
// domain from being looked up by having another one looked up that lies there.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "core/ports.h"
#include "core/siphash.h"
#include "module/io/descriptor.h"

namespace mtasts {

// The octet of the file that is locked.
std::int64_t claim_place(const SipKey& key, const Domain& domain, PolicyStore::Slot slot);

// Belongs to one thread and one process: not to be used after fork(). Must outlive its claims.
class Claims {
 public:
  explicit Claims(std::string directory) : directory_(std::move(directory)) {}

  // As PolicyStore::claim. A process without write access always gets the claim: it cannot coordinate and must not
  // block others.
  std::unique_ptr<PolicyStore::Claim> take(const Domain& domain, PolicyStore::Slot slot);

 private:
  std::string directory_;
  Descriptor file_;
  std::optional<SipKey> key_;  // of the store, once it could be read or made
};

}  // namespace mtasts
