// A closed loop of socketmap clients: each of CONNECTIONS asks, waits for the answer, checks it and asks again.
//
//     bench_socketmap_load ADDRESS CONNECTIONS SECONDS DOMAINS CHOICE EXPECT SEED
//
// DOMAINS: how many of many_domains.h there are. CHOICE: "each" once in order and no longer, "uniform", "skewed" (Zipf,
// exponent 1), or "policies" (uniform among those that have one). EXPECT: "answer" of a policy server, or "echo".
// Prints "requests seconds cpu_seconds p50_ns p99_ns"; the CPU is this client's. Everything that it says is made before
// the clock starts.
#include <fcntl.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <ctime>
#include <limits>
#include <random>
#include <string_view>
#include <vector>

#include "tests/bench/many_domains.h"
#include "tests/bench/socket_address.h"

namespace {

using Clock = std::chrono::steady_clock;
using mtasts::bench::checked;

constexpr int kAnswerWithinMs = 10'000;
constexpr std::size_t kPrepared = 1 << 18;

[[noreturn]] void give_up(const std::string& reason) {
  std::fprintf(stderr, "bench_socketmap_load: %s\n", reason.c_str());
  std::exit(1);
}

// Which domain is asked for next, drawn before anybody asks.
std::vector<int> draw(const std::string& choice, int domains, unsigned seed) {
  std::mt19937 random(seed);
  std::vector<int> numbers(choice == "each" ? static_cast<std::size_t>(domains) : kPrepared);
  if (choice == "each") {
    for (int i = 0; i < domains; ++i) numbers[static_cast<std::size_t>(i)] = i;
  } else if (choice == "uniform") {
    std::uniform_int_distribution<int> any(0, domains - 1);
    std::ranges::generate(numbers, [&] { return any(random); });
  } else if (choice == "policies") {
    std::uniform_int_distribution<int> any(0, domains / mtasts::bench::kOneInHasAPolicy - 1);
    std::ranges::generate(numbers, [&] { return any(random) * mtasts::bench::kOneInHasAPolicy; });
  } else if (choice == "skewed") {
    std::vector<double> up_to(static_cast<std::size_t>(domains));
    double sum = 0;
    for (std::size_t rank = 0; rank < up_to.size(); ++rank) up_to[rank] = sum += 1.0 / static_cast<double>(rank + 1);
    std::uniform_real_distribution<double> any(0, sum);
    // What is asked for often is spread over all numbers: 7919 is a prime.
    std::ranges::generate(numbers, [&] {
      const auto rank = std::ranges::upper_bound(up_to, any(random)) - up_to.begin();
      return static_cast<int>(rank * 7919 % domains);
    });
  } else {
    give_up("unknown choice " + choice);
  }
  return numbers;
}

// The questions as they go out, one behind the other, and what is wanted back.
class Script {
 public:
  Script(const std::vector<int>& numbers, bool echo) : echo_(echo) {
    for (const int number : numbers) {
      const std::string question = "postfix " + mtasts::bench::domain_name(number);
      steps_.push_back({bytes_.size(), 0, mtasts::bench::has_policy(number)});
      bytes_ += std::to_string(question.size()) + ":" + question + ",";
      steps_.back().size = bytes_.size() - steps_.back().begin;
    }
  }

  [[nodiscard]] std::size_t size() const { return steps_.size(); }
  [[nodiscard]] std::string_view question(std::size_t step) const {
    return std::string_view(bytes_).substr(steps_[step].begin, steps_[step].size);
  }
  [[nodiscard]] bool is_right(std::size_t step, std::string_view answer) const {
    if (echo_) return answer == question(step);
    if (!steps_[step].has_policy) return answer == "9:NOTFOUND ,";
    return answer.substr(answer.find(':') + 1).starts_with("OK secure match=");
  }

 private:
  struct Step {
    std::size_t begin;
    std::size_t size;
    bool has_policy;
  };
  bool echo_;
  std::string bytes_;
  std::vector<Step> steps_;
};

// True when the bytes are exactly one netstring; false when some are still to come.
bool is_whole(std::string_view bytes) {
  std::size_t length = 0;
  std::size_t at = 0;
  while (at < bytes.size() && bytes[at] >= '0' && bytes[at] <= '9') {
    length = 10 * length + static_cast<std::size_t>(bytes[at++] - '0');
  }
  if (at == bytes.size() || bytes.size() < at + length + 2) return false;
  if (at == 0 || bytes[at] != ':' || bytes.size() > at + length + 2 || bytes.back() != ',') {
    give_up("this is not one netstring: " + std::string(bytes.substr(0, 200)));
  }
  return true;
}

struct Client {
  int fd = -1;
  std::size_t step = 0;
  Clock::time_point asked;
  std::size_t filled = 0;
  std::array<char, 4096> bytes;
};

class Load {
 public:
  Load(const Script& script, bool once, const std::string& address, int connections, double seconds)
      : script_(script), once_(once), clients_(static_cast<std::size_t>(connections)) {
    latencies_.reserve(4'000'000);
    poller_ = checked(epoll_create1(EPOLL_CLOEXEC), "epoll_create1");
    for (auto& client : clients_) connect_one(client, mtasts::bench::socket_address(address));
    spent_before_ = cpu_seconds();
    begin_ = Clock::now();
    end_ = begin_ + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
    for (auto& client : clients_) ask(client, begin_);
  }

  void run() {
    std::array<epoll_event, 256> events;
    while (waiting_ > 0) {
      const int ready = epoll_wait(poller_, events.data(), static_cast<int>(events.size()), kAnswerWithinMs);
      if (ready == 0) give_up("no answer within ten seconds");
      for (int i = 0; i < ready; ++i) hear(*static_cast<Client*>(events[static_cast<std::size_t>(i)].data.ptr));
    }
  }

  void report() {
    const std::chrono::duration<double> took = Clock::now() - begin_;
    const double spent = cpu_seconds() - spent_before_;
    std::printf("%zu %f %f %u %u\n", latencies_.size(), took.count(), spent, percentile(0.5), percentile(0.99));
  }

 private:
  static double cpu_seconds() {
    timespec used{};
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    return static_cast<double>(used.tv_sec) + static_cast<double>(used.tv_nsec) / 1e9;
  }

  void connect_one(Client& client, const mtasts::bench::SocketAddress& address) {
    client.fd = checked(socket(address.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket");
    checked(connect(client.fd, &address.any, address.size), "connect");
    checked(fcntl(client.fd, F_SETFL, O_NONBLOCK), "fcntl");
    mtasts::bench::send_at_once(client.fd);
    epoll_event event{.events = EPOLLIN, .data = {.ptr = &client}};
    checked(epoll_ctl(poller_, EPOLL_CTL_ADD, client.fd, &event), "epoll_ctl");
  }

  void ask(Client& client, Clock::time_point now) {
    if (now >= end_ || (once_ && next_ == script_.size())) return;
    client.step = next_++;
    if (next_ == script_.size() && !once_) next_ = 0;
    client.asked = now;
    client.filled = 0;
    const auto question = script_.question(client.step);
    if (write(client.fd, question.data(), question.size()) != static_cast<ssize_t>(question.size())) {
      give_up("a question could not be sent");
    }
    ++waiting_;
  }

  void hear(Client& client) {
    const ssize_t got = read(client.fd, client.bytes.data() + client.filled, client.bytes.size() - client.filled);
    if (got <= 0) give_up("the server closed a connection");
    client.filled += static_cast<std::size_t>(got);
    const std::string_view answer(client.bytes.data(), client.filled);
    if (!is_whole(answer)) return;
    const auto now = Clock::now();
    const auto waited = std::min<Clock::rep>((now - client.asked).count(), std::numeric_limits<std::uint32_t>::max());
    latencies_.push_back(static_cast<std::uint32_t>(waited));
    if (!script_.is_right(client.step, answer)) {
      give_up("a wrong answer to " + std::string(script_.question(client.step)) + ": " + std::string(answer));
    }
    --waiting_;
    ask(client, now);
  }

  std::uint32_t percentile(double part) {
    const auto place = static_cast<std::ptrdiff_t>(part * static_cast<double>(latencies_.size() - 1));
    std::ranges::nth_element(latencies_, latencies_.begin() + place);
    return latencies_[static_cast<std::size_t>(place)];
  }

  const Script& script_;
  bool once_;
  std::vector<Client> clients_;
  std::vector<std::uint32_t> latencies_;  // ns
  int poller_ = -1;
  std::size_t next_ = 0;
  std::size_t waiting_ = 0;
  Clock::time_point begin_;
  Clock::time_point end_;
  double spent_before_ = 0;  // seconds of CPU
};

}  // namespace

int main(int argc, char* argv[]) {
  if (argc != 8) return 64;
  const bool echo = std::string_view(argv[6]) == "echo";
  const std::string choice = argv[5];
  const Script script(draw(choice, std::atoi(argv[4]), static_cast<unsigned>(std::atoi(argv[7]))), echo);
  const bool once = choice == "each";
  Load load(script, once, argv[1], std::atoi(argv[2]), once ? 1e6 : std::atof(argv[3]));
  load.run();
  load.report();
  return 0;
}
