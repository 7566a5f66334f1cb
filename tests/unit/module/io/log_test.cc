#include "module/io/log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cstdlib>

#include "module/io/descriptor.h"
#include "tests/unit/module/fake_log.h"

namespace mtasts {
namespace {

// What the log writes to a pipe in stderr's place; `journal`: whether systemd says that the journal reads it.
std::string written(bool journal) {
  std::array<int, 2> ends{};
  EXPECT_EQ(::pipe(ends.data()), 0);
  const Descriptor reader(ends[0]);
  const Descriptor before(::dup(STDERR_FILENO));
  ::dup2(ends[1], STDERR_FILENO);
  ::close(ends[1]);
  struct stat status {};
  ::fstat(STDERR_FILENO, &status);
  const std::string stream = std::to_string(status.st_dev) + ":" + std::to_string(status.st_ino + (journal ? 0 : 1));
  ::setenv("JOURNAL_STREAM", stream.c_str(), 1);
  make_stderr_log()->write(LogLevel::kWarning, "event=test");
  ::unsetenv("JOURNAL_STREAM");
  ::dup2(before.get(), STDERR_FILENO);
  std::array<char, 200> buffer{};
  const auto got = ::read(reader.get(), buffer.data(), buffer.size());
  return {buffer.data(), static_cast<std::size_t>(std::max<ssize_t>(got, 0))};
}

TEST(Log, TheJournalGetsThePriorityOfALine) { EXPECT_EQ(written(true), "<4>mtasts: warning: event=test\n"); }

TEST(Log, OthersGetTheLineAlone) { EXPECT_EQ(written(false), "mtasts: warning: event=test\n"); }

TEST(Log, AListenerIsGivenWhatTheThresholdDrops) {
  FakeLog log;
  std::vector<std::string> heard;
  log.set_listener([&](const std::string& line) { heard.push_back(line); });
  log.set_threshold(LogLevel::kError);
  log.write(LogLevel::kInfo, "event=info");
  log.write(LogLevel::kDebug, "event=debug");
  EXPECT_EQ(heard, std::vector<std::string>{"event=info"});
  EXPECT_TRUE(log.lines.empty());
}

}  // namespace
}  // namespace mtasts
