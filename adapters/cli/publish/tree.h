// The web tree: ROOT/mta-sts.DOMAIN/.well-known/mta-sts.txt for each domain. Errors as in folders.h.
#pragma once

#include "adapters/cli/publish/folders.h"
#include "core/domain.h"

namespace mtasts::publish {

class Tree {
 public:
  // A root that is missing has no files; it is made by the first write().
  explicit Tree(std::string root) : root_(std::move(root)) {}

  // Nothing is to be written below it unless this says so.
  [[nodiscard]] Result<void> check() const;
  [[nodiscard]] Result<std::optional<std::string>> read(const Domain& domain) const;
  // Any web server can read it.
  [[nodiscard]] Result<void> write(const Domain& domain, std::string_view bytes) const;
  // With the directories, if nothing else is in them.
  [[nodiscard]] Result<void> remove(const Domain& domain) const;
  [[nodiscard]] const std::string& root() const { return root_; }

 private:
  [[nodiscard]] Result<std::optional<Folder>> open(const Domain& domain, IfMissing if_missing) const;

  std::string root_;
};

}  // namespace mtasts::publish
