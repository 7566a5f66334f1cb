// The three functions that Exim calls, without Exim's calling convention: words in, status and text out. One object a
// process.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "adapters/exim/answers.h"
#include "adapters/exim/event.h"
#include "adapters/exim/wait_budget.h"
#include "module/client.h"

namespace mtasts {

// What Exim makes of a dlfunc's return value. A "forced" failure (4) is not among them: in address_data it would send
// the address on to the next router, unprotected.
enum class EximStatus : int {
  kOk = 0,
  kError = 1,  // the expansion fails and the panic log tells: somebody has to fix something
  kFail = 2,   // the expansion fails: temporary, for this message only
};

struct EximReply {
  EximStatus status = EximStatus::kOk;
  std::string text;  // the result, or the reason of the failure
};

class EximHost {
 public:
  using Words = std::span<const std::string_view>;
  using MakeLog = std::function<std::unique_ptr<Log>()>;

  // Nothing is opened before the first call. A configuration that cannot be read is tried again at every call.
  EximHost(std::string config_path, MakeLog make_log);

  // ${dlfunc{...}{mta_sts_route}{$domain}} - host-list text as in adapters/exim/route.h. A failed expansion defers the
  // address.
  EximReply route(Words words);
  // ${dlfunc{...}{mta_sts_mode}{$domain}} - "enforce", "testing", "none", or "dane" where DANE judges every MX host;
  // fails whenever route() would, and where it cannot be found out whether DANE goes before the policy.
  EximReply mode(Words words);
  // ${dlfunc{...}{mta_sts_event}{...7 arguments...}} - "", or the reason of a veto (adapters/exim/event.h). Fails only
  // when it is called with another number of arguments, which Exim logs and takes for no veto; other trouble is logged.
  EximReply event(Words words);

 private:
  Result<Client*> client();
  // The decision for one domain argument, or a reply that says why there is none.
  std::optional<EximReply> decide(std::string_view function, Words words, const Decision*& decision);
  Decision look_up(Client& client, std::string_view domain);
  Decision policy_behind(std::string_view domain);
  EximReply trouble(const std::string& what);

  std::string config_path_;
  MakeLog make_log_;
  std::unique_ptr<Client> client_;
  std::optional<WaitBudget> budget_;
  std::optional<EventWatcher> watcher_;
  AnswerMemory answers_;
};

}  // namespace mtasts
