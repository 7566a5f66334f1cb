#include "adapters/opensmtpd/process.h"

#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <syslog.h>
#include <unistd.h>

#include <array>
#include <memory>
#include <utility>
#include <vector>

#include "adapters/opensmtpd/table.h"
#include "core/time.h"
#include "module/config/observe.h"
#include "module/io/event_loop.h"
#include "module/io/exit_status.h"
#include "module/io/file_watch.h"
#include "module/io/stream.h"
#include "module/io/wall_clock.h"
#include "module/reloadable_service.h"
#include "module/store/delivery_events.h"

namespace mtasts::opensmtpd {
namespace {

// A daemon's smtpd has nothing behind stderr; run in the foreground it has.
LogTarget log_target() {
  struct stat status {};
  const bool leads_nowhere = ::fstat(STDERR_FILENO, &status) != 0 ||
                             (S_ISCHR(status.st_mode) && ::major(status.st_rdev) == 1 && ::minor(status.st_rdev) == 3);
  // smtpd gives its tables names of its own choice for argv[0], by which syslog would know this process.
  ::openlog("table-mtasts", LOG_PID, LOG_MAIL);
  return leads_nowhere ? LogTarget::kSyslog : LogTarget::kStderr;
}

void tell_stranger(Log& log, const std::string& detail) {
  log.write(
      LogLevel::kError,
      LogLine("not-smtpd").text("detail", detail).text("action", "this program is run by smtpd, see table-mtasts(8)"));
}

bool is_socket(int descriptor) {
  struct stat status {};
  return ::fstat(descriptor, &status) == 0 && S_ISSOCK(status.st_mode);
}

// A service and the table that it gives.
struct TableInstance : ServiceInstance {
  TableInstance(std::unique_ptr<Service> opened, std::shared_ptr<TlsrptSocket> collector, EventLoop& loop, Log& log,
                bool smtpd_may_lack_sni)
      : ServiceInstance(std::move(opened), std::move(collector)),
        table({loop, service->resolver(), service->prober(), service->cached_lookups(), service->store(), log, now,
               std::chrono::steady_clock::now, smtpd_may_lack_sni, reports.get()},
              service->config()) {}
  Table table;
};

class Process {
 public:
  Process(int socket, std::string config_path, std::chrono::milliseconds tried_again, EventLoop& loop, Log& log,
          LogTarget log_target)
      : socket_(socket),
        config_path_(std::move(config_path)),
        tried_again_(tried_again),
        loop_(loop),
        log_(log),
        log_target_(log_target) {}

  int run();

 private:
  Result<void> open_instance(Result<Config> config);
  bool follow_resolvers();
  void reopen();
  void tell_mistake(const Error& error);
  bool has_service();
  void read();
  void go_on();
  void answer(const Request& request);
  void send(const std::string& bytes);
  void end(int code);

  int socket_;
  std::string config_path_;
  std::chrono::milliseconds tried_again_;
  EventLoop& loop_;
  Log& log_;
  LogTarget log_target_;
  TlsrptCounts report_counts_;  // which nobody asks for
  std::shared_ptr<TlsrptSocket> collector_;
  ReloadableService<TableInstance> instance_;
  SteadyTime tried_{};
  std::string told_;  // what is wrong with the configuration
  std::unique_ptr<EventLoop::Watch> watch_;
  std::unique_ptr<FileWatch> resolvers_watch_;
  std::unique_ptr<Codec> codec_;  // there is no instance before it
  std::string in_;
  bool busy_ = false;               // with a request
  bool resolvers_changed_ = false;  // meanwhile
  int code_ = kExitOk;
};

int Process::run() {
  resolvers_watch_ = std::make_unique<FileWatch>(loop_, kResolvConf, [this] { return follow_resolvers(); });
  watch_ = loop_.watch(socket_, EventLoop::kRead, [this](unsigned /*what*/) { read(); });
  loop_.run();
  return code_;
}

// The old instance ends the lookups that it has begun; trials of hosts are made anew.
Result<void> Process::open_instance(Result<Config> config) {
  tried_ = std::chrono::steady_clock::now();
  if (!config) return tl::unexpected(config.error());
  config->cache_directory = config->opensmtpd.directory;
  config->network.dns.client_deadline = config->opensmtpd.wait;
  config->tries_mx_hosts = config->opensmtpd.probe;
  if (::access(config->cache_directory.c_str(), W_OK) != 0)
    log_.write(LogLevel::kWarning,
               LogLine("store-unwritable")
                   .field("directory", config->cache_directory)
                   .text("effect", "what is found out is kept in memory only")
                   .text("action", "create it and give it to smtpd's user, or set opensmtpd.directory"));
  auto opened = Service::open(std::move(*config), loop_, log_, log_target_);
  if (!opened) return tl::unexpected(opened.error());
  const Config& in_force = (*opened)->config();
  log_.set_threshold(in_force.log_level);
  log_.set_listener([file = DeliveryEventFile(in_force.cache_directory)](const std::string& line) {
    if (const auto event = read_delivery_event(line, "opensmtpd")) file.add(*event, now());
  });
  warn_of_observing(log_, in_force, {"opensmtpd"});
  (*opened)->begin_rounds([](const SweepSummary& /*summary*/) {});
  collector_ = TlsrptSocket::keep(std::move(collector_), {loop_, log_, report_counts_}, in_force.cache_directory,
                                  in_force.tlsrpt_socket);
  instance_.replace(
      std::make_unique<TableInstance>(std::move(*opened), collector_, loop_, log_, codec_->may_lack_sni()));
  return {};
}

bool Process::has_service() {
  if (!instance_ && std::chrono::steady_clock::now() - tried_ >= tried_again_) {
    const auto opened = open_instance(load_config(config_path_));
    if (!opened && opened.error().detail != told_) tell_mistake(opened.error());
  }
  return static_cast<bool>(instance_);
}

// The configuration in force, with the resolvers that /etc/resolv.conf names now. After the request that is being
// answered it is done. False: not yet, ask again.
bool Process::follow_resolvers() {
  resolvers_changed_ = busy_ && instance_.follows_resolv_conf();
  if (resolvers_changed_) return false;
  return instance_.follow_resolv_conf(log_, [this](const Config& in_force) { return open_instance(in_force); });
}

void Process::reopen() {
  if (const auto opened = open_instance(load_config(config_path_)); !opened) tell_mistake(opened.error());
}

void Process::tell_mistake(const Error& error) {
  told_ = error.detail;
  log_.write(LogLevel::kError, LogLine(instance_ ? "reload-refused" : "not-usable")
                                   .text("detail", error.detail)
                                   .text("effect", instance_ ? "the configuration before it stays in force"
                                                             : "recipients elsewhere are deferred until it is fixed"));
}

void Process::read() {
  std::array<char, 16 * 1024> buffer;  // NOLINT(cppcoreguidelines-pro-type-member-init): filled by recv(2)
  const auto received = receive_now(socket_, buffer);
  if (!received) return;
  if (received->empty()) return end(kExitOk);
  in_ += *received;
  go_on();
}

// One request at a time: whoever talks faster than smtpd waits. What smtpd says first, at once, tells its version.
void Process::go_on() {
  if (!codec_) {
    codec_ = codec_for(in_);
    if (codec_) reopen();
  }
  while (codec_ && !busy_) {
    const auto decoded = codec_->decode(in_);
    if (decoded.is_foreign) {
      tell_stranger(log_, "what came on descriptor 0 is no table request");
      return end(kExitProtocol);
    }
    if (decoded.consumed == 0) return;
    in_.erase(0, decoded.consumed);
    if (decoded.request) answer(*decoded.request);
  }
}

void Process::answer(const Request& request) {
  if (request.operation == Request::Operation::kClose) return;  // the end of the socket follows
  if (request.operation == Request::Operation::kUpdate) reopen();
  if (request.operation == Request::Operation::kHello || request.operation == Request::Operation::kUpdate)
    return send(codec_->encode(request, {}));
  if (!has_service()) return send(codec_->encode(request, {Answer::Kind::kError}));
  busy_ = true;
  instance_->table.answer(request, [this, request](const Answer& answer) {
    send(codec_->encode(request, answer));
    busy_ = false;
    if (resolvers_changed_) resolvers_watch_->look();
    go_on();
  });
}

// smtpd waits for the answer, so there is room for it.
void Process::send(const std::string& bytes) {
  if (!send_all(socket_, bytes)) end(kExitOk);
}

void Process::end(int code) {
  code_ = code;
  watch_.reset();
  loop_.stop();
}

}  // namespace

int serve(int socket, const std::string& config_path, std::chrono::milliseconds tried_again) {
  const LogTarget target = log_target();
  const auto log = make_log(target);
  if (!is_socket(socket)) {
    tell_stranger(*log, "descriptor 0 is no socket");
    return kExitUsage;
  }
  const auto loop = make_event_loop();
  if (!loop) {
    log->write(LogLevel::kError, loop.error().detail);
    return kExitSystem;
  }
  return Process(socket, config_path, tried_again, **loop, *log, target).run();
}

}  // namespace mtasts::opensmtpd
