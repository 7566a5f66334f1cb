// Which failures were told of which messages, shared through the store.
#include "module/tlsrpt/told_failures.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <vector>

#include "module/store/files.h"
#include "module/store/range_lock.h"
#include "module/tlsrpt/slots.h"
#include "tests/unit/core/builders.h"
#include "tests/unit/module/scratch.h"

namespace mtasts {
namespace {

using std::chrono::seconds;

class ToldFailuresTest : public testing::Test {
 protected:
  static TlsSession failure(const std::string& message, const std::string& host,
                            const std::string& domain = "example.com") {
    TlsSession session{.domain = test::domain(domain), .policy_domain = {}};
    session.result = host.empty() ? TlsResult::kPolicyFetchError : TlsResult::kValidationFailure;
    session.mx_host = host;
    session.message = message;
    return session;
  }
  Scratch scratch_;
  ToldFailures told_{scratch_.path()};
};

TEST_F(ToldFailuresTest, R32AHostIsToldOnceForAMessageByWhicheverProcess) {
  EXPECT_FALSE(told_.is_told(failure("1rXyz0-1", "mx.example.net"), test::kNow));
  const ToldFailures other(scratch_.path());
  EXPECT_TRUE(other.is_told(failure("1rXyz0-1", "mx.example.net"), test::kNow + ToldFailures::kHost - seconds(1)));
  EXPECT_FALSE(other.is_told(failure("1rXyz0-2", "mx.example.net"), test::kNow)) << "another message";
  EXPECT_FALSE(other.is_told(failure("1rXyz0-1", "mx2.example.net"), test::kNow)) << "another host";
  EXPECT_FALSE(other.is_told(failure("1rXyz0-1", "mx.example.net", "example.org"), test::kNow)) << "another domain";
  EXPECT_FALSE(other.is_told(failure("1rXyz0-1", "mx.example.net"), test::kNow + ToldFailures::kHost));
}

// Both passes over a queue can come to a message while the first question about its domain is open.
TEST_F(ToldFailuresTest, R32OfProcessesThatAskAtOnceOneTellsIt) {
  for (int round = 0; round < 20; ++round) {
    const TlsSession one = failure("1rXyz0-" + std::to_string(round), "mx.example.net");
    const auto begin = std::chrono::steady_clock::now() + std::chrono::milliseconds(10);
    std::vector<pid_t> processes(6);
    for (pid_t& process : processes) {
      process = ::fork();
      if (process != 0) continue;
      while (std::chrono::steady_clock::now() < begin) {
      }
      ::_exit(told_.is_told(one, test::kNow) ? 1 : 0);
    }
    int told = 0;
    for (const pid_t process : processes) {
      int status = 0;
      ASSERT_EQ(::waitpid(process, &status, 0), process);
      if (WEXITSTATUS(status) == 0) ++told;
    }
    ASSERT_EQ(told, 1) << round;
  }
}

// A helper that was taken over can hold the locks of the store for ever.
TEST_F(ToldFailuresTest, NobodyWaitsForALock) {
  EXPECT_FALSE(told_.is_told(failure("1rXyz0-1", "mx.example.net"), test::kNow));
  const Descriptor locks = open_lock_file(scratch_.path(), ".told");
  const RangeLock all(locks.get(), 0, 0);
  ASSERT_EQ(all.state(), RangeLock::State::kHeld);
  const auto begin = std::chrono::steady_clock::now();
  for (int i = 0; i < 100; ++i)
    EXPECT_TRUE(told_.is_told(failure("1rXyz0-" + std::to_string(2 + i), "mx.example.net"), test::kNow));
  EXPECT_LT(std::chrono::steady_clock::now() - begin, seconds(5));
}

TEST_F(ToldFailuresTest, R32APolicyThatCannotBeHadIsToldForEachAttempt) {
  EXPECT_FALSE(told_.is_told(failure("1rXyz0-1", ""), test::kNow));
  EXPECT_TRUE(told_.is_told(failure("1rXyz0-1", ""), test::kNow + ToldFailures::kPolicy - seconds(1)));
  EXPECT_FALSE(told_.is_told(failure("1rXyz0-1", ""), test::kNow + ToldFailures::kPolicy));
}

// As for a queue that waits for a host which no policy lists.
TEST_F(ToldFailuresTest, R32OfAThousandFewAreToldAgain) {
  constexpr int kMessages = 1000;
  int told_again = 0;
  for (int pass = 0; pass < 2; ++pass) {
    for (int i = 0; i < kMessages; ++i) {
      const bool is_told = told_.is_told(failure("1rXyz0-" + std::to_string(i), "mx.example.net"), test::kNow);
      if (pass > 0 && !is_told) ++told_again;
    }
  }
  EXPECT_LT(told_again, kMessages / 20);
}

TEST_F(ToldFailuresTest, OneThatIsForgottenIsToldAgainAndNoOther) {
  const auto one = failure("1rXyz0-1", "mx.example.net");
  const auto other = failure("1rXyz0-2", "mx.example.net");
  for (const auto& told : {one, other}) EXPECT_FALSE(told_.is_told(told, test::kNow));
  told_.forget(one);
  EXPECT_TRUE(told_.is_told(other, test::kNow));
  EXPECT_FALSE(told_.is_told(one, test::kNow));
}

TEST_F(ToldFailuresTest, OneOfBeforeTheClockWasSetBackIsNone) {
  EXPECT_FALSE(told_.is_told(failure("1rXyz0-1", "mx.example.net"), test::kNow));
  EXPECT_FALSE(told_.is_told(failure("1rXyz0-1", "mx.example.net"), test::kNow - seconds(1)));
}

TEST_F(ToldFailuresTest, AFileThatIsBrokenIsNoneAndIsReplaced) {
  EXPECT_FALSE(told_.is_told(failure("1rXyz0-1", ""), test::kNow));
  const auto file = std::filesystem::directory_iterator(scratch_.path() + "/.tlsrpt")->path();
  for (const std::string& text : {std::string(), std::string("1rXyz0-1 example.com - 301 x"), std::string(5000, 'x')}) {
    std::ofstream(file) << text;
    EXPECT_FALSE(told_.is_told(failure("1rXyz0-1", ""), test::kNow)) << text.size();
    EXPECT_TRUE(told_.is_told(failure("1rXyz0-1", ""), test::kNow)) << text.size();
  }
}

TEST_F(ToldFailuresTest, WhatAKilledWriterLeftIsRemovedADayLater) {
  EXPECT_FALSE(told_.is_told(failure("1rXyz0-1", ""), test::kNow));
  const std::filesystem::path folder = scratch_.path() + "/.tlsrpt";
  for (const char* name : {".new-1-1", ".new-2-2"}) std::ofstream(folder / name) << "half";
  std::filesystem::last_write_time(folder / ".new-1-1",
                                   std::filesystem::file_time_type::clock::now() - std::chrono::hours(25));
  remove_unfinished_slots(scratch_.path());
  EXPECT_FALSE(std::filesystem::exists(folder / ".new-1-1"));
  EXPECT_TRUE(std::filesystem::exists(folder / ".new-2-2")) << "its writer may be at it";
  EXPECT_TRUE(told_.is_told(failure("1rXyz0-1", ""), test::kNow));
}

TEST_F(ToldFailuresTest, WhereTheStoreCannotBeWrittenNothingIsTold) {
  const ToldFailures nowhere(scratch_.path() + "/missing");
  for (int i = 0; i < 2; ++i) EXPECT_FALSE(nowhere.is_told(failure("1rXyz0-1", ""), test::kNow));
}

}  // namespace
}  // namespace mtasts
