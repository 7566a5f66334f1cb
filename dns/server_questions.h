// The ServerQuestions over getdns: one question to one authoritative server, over TCP, for an audit that compares what
// the servers of a zone say.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/inspection.h"
#include "core/result.h"

namespace mtasts {

struct ServerQuestionsConfig {
  std::chrono::seconds timeout{5};         // of one question
  std::uint16_t port = 53;                 // another one only in tests
  unsigned max_in_flight = 100;            // further questions wait, for as long as it takes
  unsigned max_per_address = 10;           // of these: many zones are on the servers of one operator
  std::vector<std::string> allow_private;  // as for the fetcher
};

// One thread. The loop must outlive it. Destroying it drops the questions under way without calling back; not allowed
// from inside a callback. Error kConfig: an `allow_private` that is no network.
Result<std::unique_ptr<ServerQuestions>> make_server_questions(EventLoop& loop, const ServerQuestionsConfig& config);

}  // namespace mtasts
