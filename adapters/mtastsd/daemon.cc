#include "adapters/mtastsd/daemon.h"

#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <utility>
#include <vector>

#include "adapters/exim/line_protocol.h"
#include "adapters/mtastsd/listening.h"
#include "adapters/mtastsd/observer.h"
#include "adapters/socketmap/protocol.h"
#include "module/config/observe.h"
#include "module/io/event_loop.h"
#include "module/io/exit_status.h"
#include "module/io/file_watch.h"
#include "module/io/http_server.h"
#include "module/io/listen_socket.h"
#include "module/io/privileges.h"
#include "module/io/systemd.h"
#include "module/io/wall_clock.h"
#include "module/reloadable_service.h"
#include "module/server/answers.h"
#include "module/server/descriptors.h"
#include "module/server/requests.h"
#include "module/server/server.h"
#include "module/store/delivery_events.h"
#include "module/tlsrpt/tlsrpt.h"

namespace mtasts::mtastsd {
namespace {

using server::Answers;
using server::connections_possible;
using server::Metrics;
using server::Requests;
using server::Server;
using std::chrono::milliseconds;

// What a connection may still wait for its answer after SIGTERM. Postfix asks once more when it gets none, and by then
// the next process may be there.
constexpr milliseconds kDrain{10'000};
// And sessions for DNS and for a collector without room, when nobody waits for an answer any more.
constexpr milliseconds kLongestReporting{2'000};
// Out of service, how soon to try again.
constexpr milliseconds kRetry{2'000};
// What a running process cannot change any more.
bool needs_restart(const Config& old, const Config& fresh) {
  return old.socketmap.listen != fresh.socketmap.listen || old.socketmap.rights != fresh.socketmap.rights ||
         old.exim.listen != fresh.exim.listen || old.exim.rights != fresh.exim.rights || old.metrics != fresh.metrics ||
         old.user != fresh.user;
}

// Mail servers ask before they know whether DANE will judge a connection (R29). MX hosts are tried when observing only.
Config for_daemon(Config config) {
  config.lookup.ask_dane = config.decision.ask_dane = config.dane;
  config.tries_mx_hosts = config.socketmap.observe;
  return config;
}

// All that clients can speak.
struct Protocols {
  explicit Protocols(Log& log) : exim(log) {}
  socketmap::SocketmapProtocol socketmap;
  EximProtocol exim;
};

// Exim tells by its events what became of a session.
std::function<void(const server::Question&, const Decision&)> watch_by(Observer* observer,
                                                                       const server::Protocol& protocol) {
  if (observer == nullptr) return {};
  return [observer, &protocol](const server::Question& question, const Decision& decision) {
    observer->watch(question.domain, decision, protocol.server(question));
  };
}

// Of one service, or of the store alone.
struct AllAnswers {
  AllAnswers(Protocols& protocols, Lookups* lookups, FileStore& store, Log& log, Metrics& metrics, const Config& config,
             TlsReports* reports, Observer* observer)
      : socketmap({.protocol = protocols.socketmap,
                   .lookups = lookups,
                   .store = store,
                   .log = log,
                   .metrics = metrics,
                   .clock = now,
                   .reports = reports,
                   .observe = config.socketmap.observe,
                   .would_enforce = watch_by(observer, protocols.socketmap)},
                  config),
        exim({.protocol = protocols.exim,
              .lookups = lookups,
              .store = store,
              .log = log,
              .metrics = metrics,
              .clock = now,
              .reports = reports,
              .reports_unlisted = true,
              .observe = config.exim.observe},
             config) {}
  Answers socketmap;
  Answers exim;
};

// A service and the answers that it gives.
struct AnsweringInstance : ServiceInstance {
  AnsweringInstance(std::unique_ptr<Service> opened, std::shared_ptr<TlsrptSocket> collector, EventLoop& loop,
                    Protocols& protocols, Log& log, Metrics& metrics)
      : ServiceInstance(std::move(opened), std::move(collector)),
        observer(service->config().socketmap.observe ? std::make_unique<Observer>(*service, loop, log) : nullptr),
        answers(protocols, &service->lookups(), service->store(), log, metrics, service->config(), reports.get(),
                observer.get()) {}
  std::unique_ptr<Observer> observer;  // nullptr: policies are enforced
  AllAnswers answers;
};

// While no service can be opened: what the store has.
struct StoreOnly {
  StoreOnly(const Config& configured, Protocols& protocols, Log& log, Metrics& metrics)
      : config(for_daemon(configured)),
        store(config.cache_directory, log),
        answers(protocols, nullptr, store, log, metrics, config, nullptr, nullptr) {}
  const Config config;
  FileStore store;
  AllAnswers answers;
};

class Daemon {
 public:
  Daemon(std::string config_path, EventLoop& loop, Log& log)
      : config_path_(std::move(config_path)), loop_(loop), log_(log) {
    metrics_.count_reports([this] { return collector_ ? std::optional(report_counts_) : std::nullopt; });
  }

  Result<void> start(int signals);
  void run() { loop_.run(); }

 private:
  void listen(std::vector<Listening> sockets);
  void serve_metrics(const Config& config);
  void on_signal(int signals);
  void reload();
  Result<void> enter_service();
  void stay_out_of_service(const Error& mistake);
  void try_again();
  Result<std::unique_ptr<AnsweringInstance>> open_instance(Config config);
  void put_in_force(std::unique_ptr<AnsweringInstance> instance);
  bool follow_resolvers();
  Result<void> replace_instance(Result<Config> config);
  void apply(const Config& config);
  void warn_if_observing(const Config& config) { warn_of_observing(log_, config, {"exim", "socketmap"}); }
  void set_limits(const Config& config);
  void stop();
  void end_when_reported();
  void feed_watchdog();

  std::string config_path_;
  EventLoop& loop_;
  Log& log_;
  Metrics metrics_;
  Notifier notifier_;
  Protocols protocols_{log_};
  server::Admission admission_{loop_, {0, 0}};
  Requests socketmap_requests_{{loop_, protocols_.socketmap, admission_, metrics_, log_}};
  Requests exim_requests_{{loop_, protocols_.exim, admission_, metrics_, log_}};
  TlsrptCounts report_counts_;
  std::shared_ptr<TlsrptSocket> collector_;  // nullptr: there is none
  ReloadableService<AnsweringInstance> instance_;
  std::unique_ptr<StoreOnly> store_only_;  // with it or with nothing requests are answered while there is no instance
  std::string mistake_;                    // why there is none
  LogThrottle mistake_logged_{std::chrono::minutes(1)};
  bool metrics_tried_ = false;
  std::unique_ptr<Server> server_;
  std::unique_ptr<HttpServer> http_;
  std::unique_ptr<EventLoop::Watch> signal_watch_;
  std::unique_ptr<EventLoop::Watch> watchdog_;
  std::unique_ptr<FileWatch> resolvers_watch_;
  std::unique_ptr<EventLoop::Watch> drain_timer_;
  std::unique_ptr<EventLoop::Watch> retry_;
};

// Sockets that the service manager opened are there whatever the configuration says: clients would wait for an answer
// in vain. So a mistake keeps the daemon out of service then, and not from running. Without such sockets nobody knows
// where to listen: it ends.
Result<void> Daemon::start(int signals) {
  std::vector<Listening> sockets = handed_over_sockets();
  const bool is_activated = !sockets.empty();
  const auto config = load_config(config_path_);
  if (!config && !is_activated) return tl::unexpected(config.error());
  if (config) {
    if (auto added = add_configured_sockets(*config, sockets, log_); !added) return added;
  }
  listen(std::move(sockets));
  auto entered = enter_service();
  if (!entered && !is_activated) return entered;
  signal_watch_ = loop_.watch(signals, EventLoop::kRead, [this, signals](unsigned /*what*/) { on_signal(signals); });
  // A server that starts before the network is up would ask nobody for ever.
  resolvers_watch_ = std::make_unique<FileWatch>(loop_, kResolvConf, [this] { return follow_resolvers(); });
  feed_watchdog();
  if (!entered) {
    set_limits(config.value_or(Config{}));
    stay_out_of_service(entered.error());
  }
  notifier_.ready();
  log_.write(LogLevel::kInfo, LogLine("started").field("version", MTASTS_VERSION));
  return {};
}

void Daemon::listen(std::vector<Listening> sockets) {
  std::vector<Server::Endpoint> endpoints;
  for (Listening& one : sockets) {
    if (one.speaks == Speaks::kExim)
      endpoints.push_back({std::move(one.socket), kEximFraming, exim_requests_});
    else
      endpoints.push_back({std::move(one.socket), socketmap::kFraming, socketmap_requests_});
  }
  server_ = std::make_unique<Server>(Server::Deps{loop_, metrics_, log_}, std::move(endpoints), 1);
}

// May be tried again when it has failed.
Result<void> Daemon::enter_service() {
  store_only_.reset();
  auto config = load_config(config_path_);
  if (!config) return tl::unexpected(config.error());
  apply(*config);
  if (!std::exchange(metrics_tried_, true)) serve_metrics(*config);
  if (auto changed = become_user(config->user); !changed) return changed;
  auto instance = open_instance(*config);
  if (!instance) {
    store_only_ = std::make_unique<StoreOnly>(*config, protocols_, log_, metrics_);
    return tl::unexpected(instance.error());
  }
  put_in_force(std::move(*instance));
  warn_if_observing(*config);
  set_limits(instance_->service->config());
  return {};
}

void Daemon::stay_out_of_service(const Error& mistake) {
  const bool is_news = std::exchange(mistake_, mistake.detail) != mistake.detail;
  const std::string reason = "mtastsd is out of service: " + mistake.detail;
  socketmap_requests_.refuse_all(reason, store_only_ ? &store_only_->answers.socketmap : nullptr);
  exim_requests_.refuse_all(reason, store_only_ ? &store_only_->answers.exim : nullptr);
  if (mistake_logged_.is_due() || is_news)
    log_.write(LogLevel::kError, LogLine("out-of-service")
                                     .text("detail", mistake.detail)
                                     .text("effect",
                                           "mail to domains that are not cached, with a wrong configuration "
                                           "all mail, is deferred")
                                     .text("action", "fix it; mtastsd goes into service by itself then"));
  if (is_news && store_only_) warn_if_observing(store_only_->config);
  if (is_news) notifier_.status("out of service: " + mistake.detail);
  retry_ = loop_.after(kRetry, [this] { try_again(); });
}

void Daemon::try_again() {
  retry_.reset();
  const auto entered = enter_service();
  if (!entered) return stay_out_of_service(entered.error());
  mistake_.clear();
  notifier_.status("");
  log_.write(LogLevel::kInfo, LogLine("in-service"));
}

// Mail does not wait for a port of the metrics.
void Daemon::serve_metrics(const Config& config) {
  if (!config.metrics) return;
  auto socket = listen_on(*config.metrics, {});
  if (!socket) {
    log_.write(
        LogLevel::kWarning,
        LogLine("no-metrics").text("detail", socket.error().detail).text("effect", "only the metrics are missing"));
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
  if (!instance_) {
    try_again();
    return notifier_.ready();
  }
  const auto replaced = replace_instance(load_config(config_path_));
  metrics_.reloaded(replaced.has_value());
  if (replaced)
    log_.write(LogLevel::kInfo, LogLine("reloaded"));
  else
    log_.write(LogLevel::kError, LogLine("reload-refused")
                                     .text("detail", replaced.error().detail)
                                     .text("effect", "the configuration before it stays in force"));
  notifier_.status(replaced ? ""
                            : "new configuration refused, the one before it is in force: " + replaced.error().detail);
  notifier_.ready();
}

Result<std::unique_ptr<AnsweringInstance>> Daemon::open_instance(Config config) {
  auto opened = Service::open(for_daemon(std::move(config)), loop_, log_, LogTarget::kStderr);
  if (!opened) return tl::unexpected(opened.error());
  (*opened)->begin_rounds([this](const SweepSummary& summary) { metrics_.round_ended(summary); });
  const Config& in_force = (*opened)->config();
  collector_ = TlsrptSocket::keep(std::move(collector_), {loop_, log_, report_counts_}, in_force.cache_directory,
                                  in_force.tlsrpt_socket);
  return std::make_unique<AnsweringInstance>(std::move(*opened), collector_, loop_, protocols_, log_, metrics_);
}

void Daemon::put_in_force(std::unique_ptr<AnsweringInstance> instance) {
  instance_.replace(std::move(instance));
  TlsReports* const reports = instance_->reports.get();
  if (reports == nullptr) return protocols_.exim.report_to({});
  protocols_.exim.report_to([reports](const TlsSession& one) { reports->report(one); });
}

// The configuration in force, with the resolvers that /etc/resolv.conf names now. False: not yet, ask again.
bool Daemon::follow_resolvers() {
  return instance_.follow_resolv_conf(log_, [this](const Config& in_force) {
    auto replaced = replace_instance(in_force);
    if (replaced) log_.write(LogLevel::kInfo, LogLine("resolvers-changed").field("file", kResolvConf));
    return replaced;
  });
}

Result<void> Daemon::replace_instance(Result<Config> config) {
  if (!config) return tl::unexpected(config.error());
  auto fresh = open_instance(std::move(*config));
  if (!fresh) return tl::unexpected(fresh.error());
  const Config& wanted = (*fresh)->service->config();
  if (needs_restart(instance_->service->config(), wanted))
    log_.write(LogLevel::kWarning,
               LogLine("restart-needed")
                   .text("detail",
                         "listen and socket_* of socketmap and exim, metrics.listen and engine.user are read "
                         "at the start only"));
  apply(wanted);
  warn_if_observing(wanted);
  put_in_force(std::move(*fresh));
  set_limits(instance_->service->config());
  return {};
}

// What is no part of an instance.
void Daemon::apply(const Config& config) {
  log_.set_threshold(config.log_level);
  protocols_.socketmap.set_dane_answer(config.socketmap.dane_answer);
  // Only Exim's events do not name the mail server.
  log_.set_listener([this, file = DeliveryEventFile(config.cache_directory)](const std::string& line) {
    const auto event = read_delivery_event(line, "exim");
    if (!event) return;
    metrics_.happened(*event);
    file.add(*event, now());
  });
}

// Of the places for connections a quarter is never waited on (server.h). More lookups than questions that may be under
// way would only wait for each other.
void Daemon::set_limits(const Config& config) {
  const std::size_t connections = connections_possible(config.socketmap.max_connections, log_);
  server_->set_max_connections(connections);
  const std::size_t waiting = std::max<std::size_t>(1, connections - connections / 4);
  if (!instance_) return;
  admission_.set_limits({waiting, config.network.dns.max_in_flight});
  socketmap_requests_.serve(instance_->answers.socketmap);
  exim_requests_.serve(instance_->answers.exim);
}

void Daemon::stop() {
  if (drain_timer_) return loop_.stop();  // asked a second time
  notifier_.stopping();
  log_.write(LogLevel::kInfo, LogLine("stopping").field("connections", server_->connections()));
  resolvers_watch_.reset();
  retry_.reset();
  drain_timer_ = loop_.after(kDrain, [this] { end_when_reported(); });
  server_->drain([this] { end_when_reported(); });
}

void Daemon::end_when_reported() {
  TlsReports* const reports = instance_ ? instance_->reports.get() : nullptr;
  if (reports == nullptr || reports->is_idle()) return loop_.stop();
  reports->on_idle([this, reports] {
    if (reports->is_idle()) loop_.stop();
  });
  drain_timer_ = loop_.after(kLongestReporting, [this] { loop_.stop(); });
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
    return error.code == ErrorCode::kConfig ? kExitConfiguration
                                            : kExitSystem;  // the unit restarts after all but a mistake
  };
  const Descriptor signals = catch_signals();
  const auto loop = make_event_loop();
  if (!loop) return complain(loop.error());
  Daemon daemon(config_path, **loop, *log);
  if (const auto started = daemon.start(signals.get()); !started) return complain(started.error());
  daemon.run();
  log->write(LogLevel::kInfo, LogLine("stopped"));
  return kExitOk;
}

}  // namespace mtasts::mtastsd
