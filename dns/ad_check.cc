#include "dns/ad_check.h"

#include <memory>
#include <utility>

#include "dns/upstream.h"

namespace mtasts {
namespace {

constexpr std::chrono::minutes kAskAgain{1};

}  // namespace

// Shared by three questions that are asked at the same time.
struct AdCheck::Questions {
  std::function<void()> done;
  AdQuestions seen;
  int open = 3;
};

bool AdCheck::trusts() {
  if (report_ && reported_ != rule_.reason) {
    reported_ = rule_.reason;
    report_({upstream_.text(), rule_.trust == AdTrust::kYes, rule_.reason});
  }
  return rule_.trust == AdTrust::kYes;
}

bool AdCheck::is_settled() const {
  return rule_.trust != AdTrust::kWhenSeenToValidate || (!asking_ && Clock::now() < not_before_);
}

void AdCheck::ask(const std::string& name, RrType type, std::function<void()> done) {
  asking_ = true;
  const auto questions = std::make_shared<Questions>(Questions{std::move(done), {}});
  const auto put = [&](AdSight AdQuestions::*sight, const std::string& of, RrType wanted, Upstream::Manner manner) {
    upstream_.ask(of, wanted, manner, [this, questions, sight](const auto& reply) {
      if (reply) questions->seen.*sight = read_ad_sight(*reply);
      if (--questions->open == 0) finish(*questions);
    });
  };
  put(&AdQuestions::chaos, "version.bind", RrType::kTxt, Upstream::Manner::kChaos);
  put(&AdQuestions::root, ".", RrType::kSoa, Upstream::Manner::kWithSignatures);
  put(&AdQuestions::own, name, type, Upstream::Manner::kWithSignatures);
}

void AdCheck::finish(const Questions& questions) {
  asking_ = false;
  rule_ = judge_ad(questions.seen);
  not_before_ = Clock::now() + kAskAgain;
  questions.done();
}

}  // namespace mtasts
