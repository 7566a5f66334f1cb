// mtasts-lookup: the lookup helper. Other programs of mtasts start it, with a socket as standard input and the user to
// become as its argument (module/helper/process). What it learns from strangers it saves and hands over. It is written
// for the day when one of them takes it over: before it reads anything it has the rights of that user alone, and no
// descriptor, memory or environment of a mail server; before it talks to anybody the kernel keeps it to what it needs
// (docs/adr/0012-sandbox.md).
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <exception>
#include <iostream>
#include <limits>

#include "module/engine/dns_warning.h"
#include "module/engine/engine.h"
#include "module/engine/public_suffix.h"
#include "module/helper/access.h"
#include "module/helper/engine_library.h"
#include "module/helper/frames.h"
#include "module/helper/process.h"
#include "module/helper/server.h"
#include "module/helper/session_fields.h"
#include "module/helper/settings.h"
#include "module/io/exit_status.h"
#include "module/io/landlock.h"
#include "module/io/privileges.h"
#include "module/io/stream.h"
#include "module/io/system_calls.h"
#include "module/io/wall_clock.h"
#include "module/store/policy_store.h"
#include "module/store/quota.h"
#include "module/store/writing_store.h"

namespace mtasts {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr int kSocket = STDIN_FILENO;
// A loop that stands still for so long is stuck; the signal ends the process.
constexpr seconds kStuck{30};
constexpr seconds kSignOfLife{5};
// For a collector without room, when there is nothing else to do: it may hang, and nothing bounds how many helpers
// wait.
constexpr seconds kLongestSending{2};

// close_range(2) is missing before Linux 5.9 and under some containers' filters.
void close_from(int first) {
  if (::close_range(static_cast<unsigned>(first), std::numeric_limits<unsigned>::max(), 0) == 0) return;
  constexpr long kMax = 65'536;
  const long limit = ::sysconf(_SC_OPEN_MAX);
  for (long fd = first; fd < (limit > 0 ? std::min(limit, kMax) : kMax); ++fd) ::close(static_cast<int>(fd));
}

// Nothing of the process that started this one lives on here.
bool leave_behind_the_host() {
  close_from(STDERR_FILENO + 1);
  ::signal(SIGPIPE, SIG_IGN);
  ::umask(022);
  return limit_resources() && ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && ::chdir("/") == 0;
}

// The store of a user who may only read it and makes one lookup, such as Exim's own: nothing to warn about, others keep
// it.
class ReadOnlyStore final : public PolicyStore {
 public:
  explicit ReadOnlyStore(PolicyStore& store) : store_(store) {}
  Result<std::optional<CacheEntry>> get(const Domain& domain) override { return store_.get(domain); }
  Result<void> put(const CacheEntry& /*entry*/) override { return {}; }
  [[nodiscard]] bool keeps() const override { return false; }
  // Others would wait for what is not going to be saved.
  std::unique_ptr<Claim> claim(const Domain& /*domain*/, Slot /*slot*/) override { return std::make_unique<Claim>(); }

 private:
  PolicyStore& store_;
};

bool can_write(const std::string& store) { return ::access(store.c_str(), W_OK) == 0 || errno != EACCES; }

Result<Fields> receive_frame(FrameReader& reader) {
  std::array<char, 16 * 1024> buffer{};
  for (;;) {
    auto frame = reader.next();
    if (!frame) return tl::unexpected(frame.error());
    if (*frame) return std::move(**frame);
    const auto received = receive_some(kSocket, buffer);
    if (received.empty()) return fail(ErrorCode::kInternal, "nothing more comes from the peer");
    reader.add(received);
  }
}

// The first frame, which the starting process sent before it started this one.
Result<HelperSettings> receive_settings(FrameReader& reader) {
  const auto frame = receive_frame(reader);
  if (!frame) return tl::unexpected(frame.error());
  if (frame->size() == 1) return decode_settings(frame->front());
  return fail(ErrorCode::kInternal, "the first frame holds no settings");
}

// Of a helper that cannot work. Whoever hands sessions over does not wait until it is ready, and takes it for a good
// one for as long as it lives.
void lose_sessions(const HelperSettings& settings, FrameReader& reader, const Error& error, Log& log) {
  if (settings.tlsrpt_socket.empty()) return;
  ::alarm(static_cast<unsigned>(HelperServer::kTakesSessionsFor.count()));
  TlsrptLosses losses(settings.store, log, settings.tlsrpt_socket);
  while (const auto request = receive_frame(reader)) {
    const std::string& kind = request->size() > 2 ? request->at(1) : "";
    if (kind == kReportRequest || kind == kUnlistedRequest) losses.add(TlsrptLosses::Why::kNoHelper, error.detail);
  }
}

void say_ready(const Result<void>& ready) {
  Fields fields = encode_void(ready);
  fields.insert(fields.begin(), kReadyId);
  static_cast<void>(send_frame(kSocket, fields));  // the peer may be gone
}

// Everything that a lookup can legally take, and some more.
milliseconds longest_lookup(const NetworkConfig& network) {
  return network.fetch.timeout + 8 * network.dns.timeout + seconds(10);
}

class Helper {
 public:
  Helper(const HelperSettings& settings, std::unique_ptr<Network> network, FrameReader reader, Log& log, bool may_write)
      : network_(std::move(network)),
        loop_(network_->loop()),
        log_(log),
        warns_(settings.warns),
        store_(settings.store, log),
        quota_(settings.store, settings.quota, registrable_domain, log),
        writing_store_(store_, quota_),
        reader_store_(store_),
        engine_(loop_, network_->resolver(), network_->fetcher(),
                may_write ? static_cast<PolicyStore&>(writing_store_) : reader_store_, log, settings.lookup, now),
        reports_(make_reports(settings, may_write)),
        longest_(longest_lookup(settings.network)),
        server_({loop_, engine_, network_->resolver(), network_->prober(), network_->servers(), network_->inspector(),
                 store_, log, settings.warns, reports_.get()},
                Descriptor(kSocket), std::move(reader), [this] { finish(); }),
        access_(settings) {
    show_life();
  }

  void run() { loop_.run(); }
  // A person's question does not use up the warning of the mail server's daemon.
  void note_ad(const ResolverConfig::AdVerdict& verdict) {
    if (warns_) log_ad_verdict(store_.throttle(), log_, verdict);
  }

 private:
  void show_life() {
    ::alarm(static_cast<unsigned>(kStuck.count()));
    // Whoever needs a helper starts another one, which has access to what is there now.
    if (access_.is_outdated()) return loop_.stop();
    life_ = loop_.after(kSignOfLife, [this] { show_life(); });
  }

  // What has begun is finished and cached.
  void finish() {
    engine_.on_idle([this] { end_if_idle(); });
    if (reports_) reports_->on_idle([this] { end_if_idle(); });
    end_within(longest_);
    end_if_idle();
  }
  void end_if_idle() {
    if (!engine_.is_idle() || (reports_ && reports_->is_asking())) return;
    end_within(!reports_ || reports_->is_idle() ? milliseconds(0) : kLongestSending);
  }
  void end_within(milliseconds time) {
    end_ = loop_.after(time, [this] { loop_.stop(); });
  }

  std::unique_ptr<TlsReports> make_reports(const HelperSettings& settings, bool may_write) {
    if (settings.tlsrpt_socket.empty()) return nullptr;
    const TlsReports::Deps deps{network_->resolver(),
                                store_,
                                settings.store,
                                now,
                                std::chrono::steady_clock::now,
                                settings.network.dns.max_in_flight};
    auto reports = std::make_unique<TlsReports>(
        deps, std::make_shared<TlsrptSocket>(TlsrptSocket::Deps{loop_, log_, report_counts_}, settings.store,
                                             settings.tlsrpt_socket));
    // A server that lives on looks by itself when it starts.
    if (may_write && !settings.is_long_lived) reports->check_collector(TlsReports::When::kHourly);
    return reports;
  }

  std::unique_ptr<Network> network_;
  EventLoop& loop_;
  Log& log_;
  bool warns_;
  FileStore store_;
  StoreQuota quota_;
  WritingStore writing_store_;
  ReadOnlyStore reader_store_;
  Engine engine_;
  TlsrptCounts report_counts_;  // which nobody asks for
  std::unique_ptr<TlsReports> reports_;
  milliseconds longest_;
  HelperServer server_;
  AccessWatch access_;
  std::unique_ptr<EventLoop::Watch> life_;
  std::unique_ptr<EventLoop::Watch> end_;
};

// The kernel may be older than a restriction; mail goes on.
Result<void> note(const Result<Protection>& protection, const char* what, Log& log) {
  if (!protection) return tl::unexpected(protection.error());
  if (*protection == Protection::kNotInKernel)
    log.write(LogLevel::kDebug, LogLine("helper-not-confined").text("missing", what));
  return {};
}

// Libraries are loaded before, wherever they are; what they read when they start is within the rules.
Result<std::unique_ptr<Network>> open_confined(const EngineLibrary& engine, const HelperSettings& settings, Log& log) {
  if (!forbid_processes(settings)) return fail(ErrorCode::kLocalFault, "the limit of processes cannot be set");
  if (auto applied = note(restrict_access(helper_access(settings)), "Landlock", log); !applied)
    return tl::unexpected(applied.error());
  auto network = engine.open(settings.network);
  if (!network) return network;
  if (auto applied = note(restrict_system_calls(), "seccomp", log); !applied) return tl::unexpected(applied.error());
  return network;
}

Result<void> serve(const std::string& user) {
  const bool was_root = ::geteuid() == 0;
  if (auto dropped = become_user(user); !dropped) return dropped;
  FrameReader reader;
  auto settings = receive_settings(reader);
  if (!settings) return tl::unexpected(settings.error());
  const auto log = make_log(settings->log);
  log->set_threshold(settings->log_level);
  Helper* noting = nullptr;
  if (settings->network.dns.trust_ad != ResolverConfig::TrustAd::kNever)
    settings->network.dns.on_ad = [&noting](const auto& verdict) {
      if (noting != nullptr) noting->note_ad(verdict);
    };
  auto network = EngineLibrary::load(*settings).and_then(
      [&](const EngineLibrary& engine) { return open_confined(engine, *settings, *log); });
  if (!network) {
    say_ready(tl::unexpected(network.error()));
    lose_sessions(*settings, reader, network.error(), *log);
    return {};
  }
  const bool may_write = was_root || settings->is_long_lived || can_write(settings->store);
  Helper helper(*settings, std::move(*network), std::move(reader), *log, may_write);
  noting = &helper;
  say_ready({});
  helper.run();
  return {};
}

bool is_socket(int fd) {
  struct stat status {};
  return ::fstat(fd, &status) == 0 && S_ISSOCK(status.st_mode);
}

}  // namespace
}  // namespace mtasts

int main(int argc, char* argv[]) {
  using namespace mtasts;
  if (argc != 2 || !is_socket(kSocket)) {
    std::cerr << "mtasts-lookup is started by the other programs of mtasts; see mtasts(1)\n";
    return kExitUsage;
  }
  // Whoever starts it waits for its first process only.
  if (const pid_t forked = ::fork(); forked != 0) ::_exit(forked > 0 ? kExitOk : kExitSystem);
  if (!leave_behind_the_host()) ::_exit(kExitSystem);
  ::openlog("mtasts-lookup", LOG_PID, LOG_MAIL);
  ::alarm(static_cast<unsigned>(kStuck.count()));
  try {
    if (const auto served = serve(argv[1]); !served) say_ready(served);
  } catch (const std::exception& trouble) {
    say_ready(fail(ErrorCode::kInternal, std::string("the lookup helper ended: ") + trouble.what()));
  }
  ::_exit(kExitOk);  // the TLS libraries' handlers for the end of a process have nothing to do
}
