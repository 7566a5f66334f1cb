// Programs of the host, started by posix_spawn(3) with an argument vector.
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <thread>

#include "adapters/cli/setup/machine.h"
#include "module/io/descriptor.h"

namespace mtasts::setup {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

// Sendmail sleeps for a minute where the machine's name has no domain.
constexpr std::chrono::seconds kTimeout{180};
constexpr std::size_t kMaxOutput = std::size_t{16} << 20U;

// Input and output are files without a name: no pipe that fills up while the other end waits.
Result<Descriptor> scratch_file(std::string_view bytes) {
  Descriptor file(::open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
  if (!file)
    return fail(ErrorCode::kConfig, std::string("no temporary file can be made in /tmp: ") + std::strerror(errno));
  if (::write(file.get(), bytes.data(), bytes.size()) != static_cast<ssize_t>(bytes.size()))
    return fail(ErrorCode::kConfig, std::string("a temporary file in /tmp cannot be written: ") + std::strerror(errno));
  ::lseek(file.get(), 0, SEEK_SET);
  return file;
}

std::string content(const Descriptor& file) {
  std::string text;
  std::array<char, 4096> bytes;
  ssize_t got = 0;
  while (text.size() < kMaxOutput &&
         (got = ::pread(file.get(), bytes.data(), bytes.size(), static_cast<off_t>(text.size()))) > 0)
    text.append(bytes.data(), static_cast<std::size_t>(got));
  return text;
}

Result<pid_t> spawn(const std::vector<std::string>& argv, const Descriptor& in, const Descriptor& out,
                    const Descriptor& err) {
  std::vector<char*> words;
  words.reserve(argv.size() + 1);
  for (const std::string& word : argv) words.push_back(const_cast<char*>(word.c_str()));
  words.push_back(nullptr);
  std::string path = "PATH=/usr/sbin:/usr/bin:/sbin:/bin";
  std::string language = "LC_ALL=C";
  std::string home = "HOME=/";
  std::array<char*, 4> environment = {path.data(), language.data(), home.data(), nullptr};
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_adddup2(&files, in.get(), STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&files, out.get(), STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&files, err.get(), STDERR_FILENO);
  pid_t child = 0;
  const int trouble = ::posix_spawn(&child, words.front(), &files, nullptr, words.data(), environment.data());
  posix_spawn_file_actions_destroy(&files);
  if (trouble != 0) return fail(ErrorCode::kConfig, argv.front() + " cannot be started: " + std::strerror(trouble));
  return child;
}

Result<int> wait_for(pid_t child, const std::string& name) {
  const auto deadline = steady_clock::now() + kTimeout;
  for (auto pause = milliseconds(1);; pause = std::min(pause * 2, milliseconds(50))) {
    int status = 0;
    const pid_t ended = ::waitpid(child, &status, WNOHANG);
    if (ended == child) return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    if (ended < 0 && errno != EINTR) return fail(ErrorCode::kConfig, name + " cannot be waited for");
    if (steady_clock::now() > deadline) {
      ::kill(child, SIGKILL);
      ::waitpid(child, &status, 0);
      return fail(ErrorCode::kDeadline, name + " did not end within three minutes and was stopped");
    }
    std::this_thread::sleep_for(pause);
  }
}

}  // namespace

Result<ProgramOutput> run_program(const std::vector<std::string>& argv, const std::string& input) {
  const auto in = scratch_file(input);
  if (!in) return tl::unexpected(in.error());
  const auto out = scratch_file({});
  if (!out) return tl::unexpected(out.error());
  const auto err = scratch_file({});
  if (!err) return tl::unexpected(err.error());
  const auto child = spawn(argv, *in, *out, *err);
  if (!child) return tl::unexpected(child.error());
  const auto status = wait_for(*child, argv.front());
  if (!status) return tl::unexpected(status.error());
  return ProgramOutput{*status, content(*out), content(*err)};
}

}  // namespace mtasts::setup
