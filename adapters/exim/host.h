// The three functions that Exim calls, without Exim's calling convention: words in, status and text out. One object a
// process.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "adapters/exim/answers.h"
#include "adapters/exim/event.h"
#include "adapters/exim/reply.h"
#include "adapters/exim/wait_budget.h"
#include "module/client.h"
#include "module/foreign_reports.h"
#include "module/io/short_memory.h"

namespace mtasts {

class EximHost {
 public:
  using MakeLog = std::function<std::unique_ptr<Log>()>;

  // Nothing is opened before the first call. A configuration that cannot be read is tried again at every call.
  EximHost(std::string config_path, MakeLog make_log);

  // ${dlfunc{...}{mta_sts_route}{$domain}{$message_exim_id}}. Without the ID every process that asks is taken for a
  // delivery (R32); with an empty one it is none, but somebody who verifies an address.
  EximReply route(EximWords words);
  // ${dlfunc{...}{mta_sts_mode}{$domain}}
  EximReply mode(EximWords words);
  // ${dlfunc{...}{mta_sts_event}{...7 arguments...}} - "", or the reason of a veto (adapters/exim/event.h). Fails only
  // when it is called with another number of arguments, which Exim logs and takes for no veto; other trouble is logged.
  EximReply event(EximWords words);

 private:
  static constexpr std::size_t kMaxTold = 10'000;

  Result<Client*> client();
  // What `reply` makes of the decision about one domain argument, or why there is none.
  using Reply = std::function<EximReply(const Decision&)>;
  EximReply answer(std::string_view function, EximWords words, const Reply& reply);
  Decision look_up(Client& client, std::string_view domain);
  static Decision observed(Client& client, Decision decision);
  Decision policy_behind(std::string_view domain);
  void report_route(const Decision& decision, std::string_view message);
  EximReply trouble(const std::string& what);

  std::string config_path_;
  MakeLog make_log_;
  std::unique_ptr<Client> client_;
  std::optional<WaitBudget> budget_;
  std::optional<ForeignReports> reports_;
  EventWatcher::Report report_session_;  // empty: there is no collector
  std::optional<EventWatcher> watcher_;
  AnswerMemory answers_;
  ShortMemory<bool> failures_told_{kMaxTold};  // domains of this process: it makes one delivery
};

}  // namespace mtasts
