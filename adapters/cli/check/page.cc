#include "adapters/cli/check/page.h"

namespace mtasts::check {
void Page::add(const Report& report) {
  title_ = report.facts.domain.text();
  ++count_;
}
std::string Page::finish() const { return title_; }
}  // namespace mtasts::check
