// Reports as one page for a browser that loads nothing from outside and runs nothing that a peer sent.
#pragma once

#include <cstddef>
#include <string>

#include "adapters/cli/check/report.h"

namespace mtasts::check {

class Page {
 public:
  // Keeps what the page shows of it, in the order of the calls.
  void add(const Report& report);
  [[nodiscard]] std::string finish() const;

 private:
  std::size_t count_ = 0;
  std::string title_;  // the first domain
  std::string seen_at_;
  std::string only_;      // where there is one domain: what was found of it
  std::string table_;     // a row for each domain
  std::string sections_;  // what was found of each
};

}  // namespace mtasts::check
