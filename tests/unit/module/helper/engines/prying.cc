// An engine library that has been taken over: each question for an MX is an attempt at what a lookup helper must not do
// (or must), "<what>" or "<what> <with which>". The answer's preference is the error, 0 where the attempt succeeded.
// The name "stall" is never answered, and the loop stands still.
#include <arpa/inet.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <map>

#include "tests/unit/module/helper/engines/test_network.h"

namespace mtasts {
namespace {

using Text = const std::string&;

int outcome(long result) { return result < 0 ? errno : 0; }

int open_as(Text path, int flags) {
  const int fd = ::open(path.c_str(), flags | O_CLOEXEC, 0600);
  const int error = outcome(fd);
  if (fd >= 0) ::close(fd);
  return error;
}

int socket_of(int family, int type, int protocol = 0) {
  const int fd = ::socket(family, type, protocol);
  const int error = outcome(fd);
  if (fd >= 0) ::close(fd);
  return error;
}

int connect_to(Text port) {
  struct sockaddr_in to {};
  to.sin_family = AF_INET;
  to.sin_port = htons(static_cast<std::uint16_t>(std::stoi(port)));
  ::inet_pton(AF_INET, "127.0.0.1", &to.sin_addr);
  const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
  const int error = outcome(::connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof to));
  ::close(fd);
  return error;
}

int listen_somewhere(Text /*unused*/) {
  const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
  const int error = outcome(::listen(fd, 1));
  ::close(fd);
  return error;
}

int execute(Text program) {
  char* const nothing[] = {nullptr};
  return outcome(::execve(program.c_str(), nothing, nothing));
}

int start_process(Text /*unused*/) {
  const pid_t process = ::fork();
  if (process == 0) ::_exit(0);
  return outcome(process);
}

int start_thread(Text /*unused*/) {
  pthread_t thread{};
  const int error = ::pthread_create(
      &thread, nullptr, [](void* unused) { return unused; }, nullptr);
  if (error == 0) ::pthread_join(thread, nullptr);
  return error;
}

int map_code(Text /*unused*/) {
  void* at = ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return at == MAP_FAILED ? errno : 0;
}

int make_code(Text /*unused*/) {
  void* at = ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return outcome(::mprotect(at, 4096, PROT_READ | PROT_EXEC));
}

int resolve(Text name) {
  struct addrinfo* found = nullptr;
  const int error = ::getaddrinfo(name.c_str(), "80", nullptr, &found);
  if (error == 0) ::freeaddrinfo(found);
  return error == 0 ? 0 : 1000 - error;
}

const std::map<std::string, int (*)(Text)>& attempts() {
  static const std::map<std::string, int (*)(Text)> kAttempts{
      {"read", [](Text path) { return open_as(path, O_RDONLY); }},
      {"write", [](Text path) { return open_as(path, O_WRONLY); }},
      {"make", [](Text path) { return open_as(path, O_WRONLY | O_CREAT | O_EXCL); }},
      {"link", [](Text path) { return outcome(::symlink("/", path.c_str())); }},
      {"connect", connect_to},
      {"listen", listen_somewhere},
      {"unix-stream", [](Text) { return socket_of(AF_UNIX, SOCK_STREAM); }},
      {"unix-datagram", [](Text) { return socket_of(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC); }},
      {"netlink", [](Text) { return socket_of(AF_NETLINK, SOCK_RAW); }},
      {"tcp", [](Text) { return socket_of(AF_INET6, SOCK_STREAM | SOCK_NONBLOCK, IPPROTO_TCP); }},
      {"udp", [](Text) { return socket_of(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, IPPROTO_UDP); }},
      {"multipath", [](Text) { return socket_of(AF_INET, SOCK_STREAM, IPPROTO_MPTCP); }},
      {"sctp", [](Text) { return socket_of(AF_INET6, SOCK_STREAM, IPPROTO_SCTP); }},
      {"raw", [](Text) { return socket_of(AF_INET, SOCK_RAW, IPPROTO_TCP); }},
      {"packet", [](Text) { return socket_of(AF_PACKET, SOCK_RAW); }},
      {"execute", execute},
      {"process", start_process},
      {"thread", start_thread},
      {"map-code", map_code},
      {"make-code", make_code},
      {"trace", [](Text process) { return outcome(::ptrace(PTRACE_ATTACH, std::stoi(process), nullptr, nullptr)); }},
      {"signal", [](Text process) { return outcome(::kill(std::stoi(process), 0)); }},
      {"become", [](Text user) { return outcome(::setuid(static_cast<uid_t>(std::stoi(user)))); }},
      {"namespace", [](Text) { return outcome(::unshare(CLONE_NEWUSER)); }},
      {"raise-limit",
       [](Text process) { return outcome(::syscall(SYS_prlimit64, std::stoi(process), 0, nullptr, nullptr)); }},
      {"resolve", resolve},
      {"secure-bits", [](Text) { return ::prctl(PR_GET_SECUREBITS); }},  // they are the answer
  };
  return kAttempts;
}

class PryingResolver final : public Resolver {
 public:
  explicit PryingResolver(EventLoop& loop) : loop_(loop) {}
  void mx(const std::string& name, Callback<MxRecord> done, const Requester&) override {
    while (name == "stall") ::pause();
    const auto space = std::min(name.find(' '), name.size());
    const std::string with = name.substr(std::min(space + 1, name.size()));
    const int error = attempts().at(name.substr(0, space))(with);
    last_ = loop_.after(std::chrono::milliseconds(0), [error, done = std::move(done)] {
      done(DnsAnswer<MxRecord>{
          DnsAnswer<MxRecord>::Kind::kFound, {{static_cast<std::uint16_t>(error), "x"}}, std::chrono::seconds(1)});
    });
  }
  void txt(const std::string& /*name*/, Callback<std::string> /*done*/, const Requester&) override {}
  void addresses(const std::string& /*name*/, Callback<std::string> /*done*/, const Requester&) override {}
  void tlsa(const std::string& /*name*/, Callback<TlsaRecord> /*done*/, const Requester&) override {}
  void cname(const std::string& /*name*/, Callback<std::string> /*done*/, const Requester&) override {}

 private:
  EventLoop& loop_;
  std::unique_ptr<EventLoop::Watch> last_;
};

}  // namespace
}  // namespace mtasts

extern "C" __attribute__((visibility("default"))) mtasts::Network* mtasts_network_open(
    const char* /*abi*/, const mtasts::NetworkConfig& /*config*/, mtasts::Error* /*error*/) noexcept {
  return new mtasts::TestNetwork<mtasts::PryingResolver>();
}
