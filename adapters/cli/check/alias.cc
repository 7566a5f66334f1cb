#include "adapters/cli/check/alias.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "core/ascii.h"

namespace mtasts::check {
namespace {

constexpr std::size_t kMaxChain = 16;  // resolvers give up earlier

class Walk : public std::enable_shared_from_this<Walk> {
 public:
  Walk(Resolver& resolver, std::string name, std::function<void(AliasFact)> done)
      : resolver_(resolver), name_(ascii::lower(name)), done_(std::move(done)) {}

  void ask() {
    resolver_.cname(last(), [self = shared_from_this()](const auto& answer) { self->on_answer(answer); });
  }

 private:
  [[nodiscard]] const std::string& last() const { return fact_.chain.empty() ? name_ : fact_.chain.back(); }

  void on_answer(const Result<DnsAnswer<std::string>>& answer) {
    using Kind = DnsAnswer<std::string>::Kind;
    if (answer && answer->kind == Kind::kFound && !answer->records.empty()) return follow(answer->records.front());
    const bool is_dangling = answer && answer->kind == Kind::kNxDomain;
    if (!fact_.chain.empty()) fact_.kind = is_dangling ? AliasFact::Kind::kDangling : AliasFact::Kind::kAlias;
    done_(std::move(fact_));
  }

  void follow(const std::string& target) {
    const std::string name = ascii::lower(target);
    const bool is_known = name == name_ || std::ranges::find(fact_.chain, name) != fact_.chain.end();
    fact_.chain.push_back(name);
    fact_.kind = is_known || fact_.chain.size() == kMaxChain ? AliasFact::Kind::kLoop : AliasFact::Kind::kAlias;
    if (fact_.kind == AliasFact::Kind::kAlias) return ask();
    done_(std::move(fact_));
  }

  Resolver& resolver_;
  const std::string name_;
  std::function<void(AliasFact)> done_;
  AliasFact fact_;
};

}  // namespace

void follow_alias(Resolver& resolver, const std::string& name, std::function<void(AliasFact)> done) {
  std::make_shared<Walk>(resolver, name, std::move(done))->ask();
}

}  // namespace mtasts::check
