#include "adapters/socketmap/daemon.h"

#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/un.h>
#include <sysexits.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstring>
#include <utility>
#include <vector>

#include "adapters/socketmap/answers.h"
#include "adapters/socketmap/server.h"
#include "adapters/socketmap/systemd.h"
#include "module/child.h"
#include "module/client.h"
#include "module/event_loop.h"
#include "module/file_watch.h"
#include "module/http_server.h"
#include "module/listen_socket.h"
#include "module/service.h"

namespace mtasts::socketmap {
namespace {

using std::chrono::milliseconds;

// What a connection may still wait for its answer after SIGTERM. Postfix asks once more when it gets none, and by then
// the next process may be there.
constexpr milliseconds kDrain{10'000};
// Where the resolvers come from, unless the configuration names them. A server that starts before the network is up
// would ask nobody for ever.
constexpr const char* kResolvConf = "/etc/resolv.conf";
// Descriptors beside the clients': sockets of lookups and fetches, files of the store.
constexpr rlim_t kOwnDescriptors = 1024;

void allow_descriptors(std::size_t connections, Log& log) {
  rlimit limit{};
  const rlim_t wanted = connections + kOwnDescriptors;
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= wanted) return;
  limit.rlim_cur = std::min(wanted, limit.rlim_max);
  ::setrlimit(RLIMIT_NOFILE, &limit);
  if (limit.rlim_cur < wanted)
    log.write(LogLevel::kWarning, "event=few-descriptors limit=" + std::to_string(limit.rlim_cur) +
                                      " wanted=" + std::to_string(wanted) +
                                      " action=\"raise LimitNOFILE or lower socketmap.max_connections\"");
}

// Those that the service manager opened, else those of the configuration.
Result<std::vector<Descriptor>> listening_sockets(const Config& config) {
  std::vector<Descriptor> sockets = sockets_from_systemd();
  if (!sockets.empty()) return sockets;
  // To run deaf would look well to everybody but the mail servers.
  if (config.socketmap.listen.empty())
    return fail(
        ErrorCode::kConfig,
        "there is nothing to listen on: socketmap.listen is empty, and the service manager hands no socket over");
  for (const ListenAddress& address : config.socketmap.listen) {
    auto socket = listen_on(address, config.socketmap.rights);
    if (!socket) return tl::unexpected(socket.error());
    sockets.push_back(std::move(*socket));
  }
  return sockets;
}

bool is_at(const Descriptor& socket, const ListenAddress& address) {
  sockaddr_storage own{};
  socklen_t length = sizeof own;
  if (::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&own), &length) != 0) return false;
  if (own.ss_family != address.address.ss_family) return false;
  if (address.is_unix()) return address.path() == reinterpret_cast<const sockaddr_un&>(own).sun_path;
  return length == address.length && std::memcmp(&own, &address.address, length) == 0;
}

// The service manager's sockets count alone: an address that only the configuration names is one that clients ask in
// vain.
void warn_of_missing_sockets(const std::vector<Descriptor>& sockets, const Config& config, Log& log) {
  for (const ListenAddress& address : config.socketmap.listen) {
    const auto is_there = [&](const Descriptor& socket) { return is_at(socket, address); };
    if (std::ranges::any_of(sockets, is_there)) continue;
    log.write(LogLevel::kWarning, "event=not-listening address=" + address.text +
                                      " detail=\"systemd handed over other sockets, which count alone\" "
                                      "action=\"name it in mtastsd.socket, or disable that unit\"");
  }
}

// What a running process cannot change any more.
bool needs_restart(const Config& old, const Config& fresh) {
  return old.socketmap.listen != fresh.socketmap.listen || old.socketmap.rights != fresh.socketmap.rights ||
         old.metrics != fresh.metrics || old.user != fresh.user;
}

// Postfix asks before it knows whether DANE will judge a connection (R29).
Config with_dane(Config config) {
  config.lookup.ask_dane = config.decision.ask_dane = config.dane;
  return config;
}

// A service and the answers that it gives.
struct Office {
  Office(std::unique_ptr<Service> opened, Log& log, Metrics& metrics)
      : service(std::move(opened)),
        answers({service->engine(), service->store(), log, metrics, now}, service->config()) {}
  std::unique_ptr<Service> service;
  Answers answers;
};

// The desk of the office of the day.
class Daemon final : public Desk {
 public:
  Daemon(std::string config_path, EventLoop& loop, Log& log)
      : config_path_(std::move(config_path)), loop_(loop), log_(log) {}

  Result<void> start(int signals);
  void run() { loop_.run(); }

  const std::string* known(std::string_view request) override { return office_->answers.known(request); }
  void ask(std::string_view request, Done done) override { office_->answers.ask(request, std::move(done)); }
  void complain(std::string_view why, std::string_view beginning) override {
    office_->answers.complain(why, beginning);
  }

 private:
  void serve_metrics(const Config& config);
  void on_signal(int signals);
  void reload();
  Result<std::unique_ptr<Office>> open_office(Config config);
  void follow_resolvers();
  Result<void> replace_office(Result<Config> config);
  void stop();
  void feed_watchdog();

  std::string config_path_;
  EventLoop& loop_;
  Log& log_;
  Metrics metrics_;
  Notifier notifier_;
  std::unique_ptr<Office> office_;
  std::vector<std::unique_ptr<Office>> retired_;
  std::unique_ptr<Server> server_;
  std::unique_ptr<HttpServer> http_;
  std::unique_ptr<EventLoop::Watch> signal_watch_;
  std::unique_ptr<EventLoop::Watch> watchdog_;
  std::unique_ptr<FileWatch> resolvers_watch_;
  std::unique_ptr<EventLoop::Watch> drain_timer_;
};

Result<void> Daemon::start(int signals) {
  auto config = load_config(config_path_);
  if (!config) return tl::unexpected(config.error());
  log_.set_threshold(config->log_level);
  allow_descriptors(config->socketmap.max_connections, log_);
  auto sockets = listening_sockets(*config);
  if (!sockets) return tl::unexpected(sockets.error());
  warn_of_missing_sockets(*sockets, *config, log_);
  serve_metrics(*config);
  if (auto changed = become_user(config->user); !changed) return changed;
  const std::size_t max_connections = config->socketmap.max_connections;
  auto office = open_office(std::move(*config));
  if (!office) return tl::unexpected(office.error());
  office_ = std::move(*office);
  server_ = std::make_unique<Server>(Server::Parts{loop_, *this, metrics_, log_}, std::move(*sockets), max_connections);
  signal_watch_ = loop_.watch(signals, EventLoop::kRead, [this, signals](unsigned /*what*/) { on_signal(signals); });
  resolvers_watch_ = std::make_unique<FileWatch>(loop_, kResolvConf, [this] { follow_resolvers(); });
  feed_watchdog();
  notifier_.ready();
  log_.write(LogLevel::kInfo, std::string("event=started version=") + MTASTS_VERSION);
  return {};
}

// Mail does not wait for a port of the metrics.
void Daemon::serve_metrics(const Config& config) {
  if (!config.metrics) return;
  auto socket = listen_on(*config.metrics, {});
  if (!socket) {
    log_.write(LogLevel::kWarning, "event=no-metrics detail=" + log_quoted(socket.error().detail) +
                                       " effect=\"only the metrics are missing\"");
    return;
  }
  http_ = serve_http(loop_, std::move(*socket), [this](std::string_view path) -> std::optional<HttpPage> {
    if (path != "/metrics") return std::nullopt;
    return HttpPage{"text/plain; version=0.0.4; charset=utf-8", metrics_.text()};
  });
}

void Daemon::on_signal(int signals) {
  signalfd_siginfo info{};
  if (::read(signals, &info, sizeof info) != sizeof info) return;
  if (info.ssi_signo == SIGHUP) return reload();
  stop();
}

void Daemon::reload() {
  notifier_.reloading();
  const auto replaced = replace_office(load_config(config_path_));
  metrics_.reloaded(replaced.has_value());
  if (replaced)
    log_.write(LogLevel::kInfo, "event=reloaded");
  else
    log_.write(LogLevel::kError, "event=reload-refused detail=" + log_quoted(replaced.error().detail) +
                                     " effect=\"the configuration before it stays in force\"");
  notifier_.status(replaced ? ""
                            : "new configuration refused, the one before it is in force: " + replaced.error().detail);
  notifier_.ready();
}

Result<std::unique_ptr<Office>> Daemon::open_office(Config config) {
  auto opened = Service::open(with_dane(std::move(config)), loop_, log_);
  if (!opened) return tl::unexpected(opened.error());
  (*opened)->begin_rounds([this](const UpkeepSummary& summary) { metrics_.round_ended(summary); });
  return std::make_unique<Office>(std::move(*opened), log_, metrics_);
}

// The configuration in force, with the resolvers that /etc/resolv.conf names now.
void Daemon::follow_resolvers() {
  const Config& config = office_->service->config();
  if (!config.network.dns.resolvers.empty()) return;
  const auto replaced = replace_office(config);
  replaced ? log_.write(LogLevel::kInfo, std::string("event=resolvers-changed file=") + kResolvConf)
           : log_.write(LogLevel::kError, "event=resolvers-kept detail=" + log_quoted(replaced.error().detail));
}

Result<void> Daemon::replace_office(Result<Config> config) {
  if (!config) return tl::unexpected(config.error());
  auto fresh = open_office(std::move(*config));
  if (!fresh) return tl::unexpected(fresh.error());
  const Config& wanted = (*fresh)->service->config();
  if (needs_restart(office_->service->config(), wanted))
    log_.write(LogLevel::kWarning,
               "event=restart-needed detail=\"socketmap.listen, socket_*, metrics.listen and "
               "engine.user are read at the start only\"");
  log_.set_threshold(wanted.log_level);
  server_->set_max_connections(wanted.socketmap.max_connections);
  std::swap(office_, *fresh);
  retired_.push_back(std::move(*fresh));
  Office& old = *retired_.back();
  old.service->retire([this, &old] { std::erase_if(retired_, [&old](const auto& one) { return one.get() == &old; }); });
  return {};
}

void Daemon::stop() {
  if (drain_timer_) return loop_.stop();  // asked a second time
  notifier_.stopping();
  log_.write(LogLevel::kInfo, "event=stopping connections=" + std::to_string(server_->connections()));
  drain_timer_ = loop_.after(kDrain, [this] { loop_.stop(); });
  server_->drain([this] { loop_.stop(); });
}

void Daemon::feed_watchdog() {
  const auto interval = watchdog_interval();
  if (!interval) return;
  notifier_.watchdog();
  watchdog_ = loop_.after(std::chrono::duration_cast<milliseconds>(*interval) / 2, [this] { feed_watchdog(); });
}

// From now on these signals are read, not delivered.
Descriptor catch_signals() {
  sigset_t caught;
  sigemptyset(&caught);
  for (const int number : {SIGHUP, SIGTERM, SIGINT}) sigaddset(&caught, number);
  ::sigprocmask(SIG_BLOCK, &caught, nullptr);
  return Descriptor(::signalfd(-1, &caught, SFD_CLOEXEC | SFD_NONBLOCK));
}

}  // namespace

int run_daemon(const std::string& config_path) {
  const auto log = make_stderr_log();
  const auto complain = [&](const Error& error) {
    log->write(LogLevel::kError, error.detail);
    return EX_CONFIG;
  };
  const Descriptor signals = catch_signals();
  const auto loop = make_event_loop();
  if (!loop) return complain(loop.error());
  Daemon daemon(config_path, **loop, *log);
  if (const auto started = daemon.start(signals.get()); !started) return complain(started.error());
  daemon.run();
  log->write(LogLevel::kInfo, "event=stopped");
  return EX_OK;
}

}  // namespace mtasts::socketmap
