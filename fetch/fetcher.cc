#include "fetch/fetcher.h"

#include <curl/curl.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <list>
#include <map>
#include <utility>

#include "fetch/queue.h"
#include "fetch/san_rule.h"
#include "fetch/transfer.h"

namespace mtasts {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

struct MultiCleanup {
  void operator()(CURLM* multi) const { curl_multi_cleanup(multi); }
};

struct Request {
  Domain domain;
  std::vector<std::string> addresses;
  Fetcher::Callback done;
};

struct Active {
  FetchQueue::Ticket ticket;
  std::unique_ptr<Transfer> transfer;
  Fetcher::Callback done;
};

class CurlFetcher final : public Fetcher {
 public:
  CurlFetcher(EventLoop& loop, FetcherConfig config);
  ~CurlFetcher() override;
  CurlFetcher(const CurlFetcher&) = delete;
  CurlFetcher& operator=(const CurlFetcher&) = delete;

  [[nodiscard]] bool is_usable() const { return multi_ != nullptr; }
  void fetch(const Domain& domain, const std::vector<std::string>& addresses, Callback done) override;

 private:
  static int on_socket(CURL* easy, curl_socket_t fd, int what, void* self, void* socket_data) noexcept;
  static int on_timeout(CURLM* multi, long timeout_ms, void* self) noexcept;

  void schedule_pump();
  void pump();
  void start(FetchQueue::Ticket ticket);
  Result<std::unique_ptr<Transfer>> begin(const Request& request);
  Request take(FetchQueue::Ticket ticket);
  void advance(curl_socket_t fd, int events);
  void finish(CURL* easy, CURLcode code);

  EventLoop& loop_;
  const FetcherConfig config_;
  const pid_t pid_ = getpid();
  FetchQueue queue_;
  std::map<FetchQueue::Ticket, Request> waiting_;
  std::list<Active> active_;
  std::unique_ptr<EventLoop::Watch> pump_;
  std::unique_ptr<EventLoop::Watch> timer_;
  std::map<curl_socket_t, std::unique_ptr<EventLoop::Watch>> sockets_;
  std::unique_ptr<CURLM, MultiCleanup> multi_{curl_multi_init()};  // last: its end still calls on_socket
};

CurlFetcher::CurlFetcher(EventLoop& loop, FetcherConfig config)
    : loop_(loop),
      config_(std::move(config)),
      queue_({std::max(1U, config_.max_in_flight), std::max(1U, config_.max_per_address), config_.timeout}) {
  if (!multi_) return;
  curl_multi_setopt(multi_.get(), CURLMOPT_SOCKETFUNCTION, &CurlFetcher::on_socket);
  curl_multi_setopt(multi_.get(), CURLMOPT_SOCKETDATA, this);
  curl_multi_setopt(multi_.get(), CURLMOPT_TIMERFUNCTION, &CurlFetcher::on_timeout);
  curl_multi_setopt(multi_.get(), CURLMOPT_TIMERDATA, this);
}

CurlFetcher::~CurlFetcher() {
  for (const auto& active : active_) curl_multi_remove_handle(multi_.get(), active.transfer->easy());
  active_.clear();
}

void CurlFetcher::fetch(const Domain& domain, const std::vector<std::string>& addresses, Callback done) {
  const auto ticket = queue_.join(network_of(addresses), steady_clock::now());
  waiting_.emplace(ticket, Request{domain, addresses, std::move(done)});
  schedule_pump();
}

// In a round of the loop of its own, so that nobody is called back from inside his call. Where nobody's turn has come:
// when the first has waited for too long.
void CurlFetcher::schedule_pump() {
  pump_.reset();
  const auto expiry = queue_.next_expiry();
  if (!expiry) return;
  const auto delay = queue_.has_next() ? steady_clock::duration{0} : *expiry - steady_clock::now();
  pump_ = loop_.after(std::max(milliseconds{0}, std::chrono::ceil<milliseconds>(delay)), [this] {
    pump_.reset();
    pump();
  });
}

void CurlFetcher::pump() {
  for (const auto ticket : queue_.expire(steady_clock::now())) {
    const Request request = take(ticket);
    // Not tried: nothing was found out about this policy host.
    request.done(fail(ErrorCode::kEngine, request.domain.policy_host() + ": too many fetches are under way, waited " +
                                              std::to_string(config_.timeout.count()) + " s"));
  }
  while (const auto ticket = queue_.next()) start(*ticket);
  schedule_pump();
}

Request CurlFetcher::take(FetchQueue::Ticket ticket) {
  auto node = waiting_.extract(ticket);
  return std::move(node.mapped());
}

void CurlFetcher::start(FetchQueue::Ticket ticket) {
  Request request = take(ticket);
  auto transfer = begin(request);
  if (transfer) {
    active_.push_back({ticket, std::move(*transfer), std::move(request.done)});
    return;
  }
  queue_.leave(ticket);
  request.done(tl::unexpected(transfer.error()));
}

Result<std::unique_ptr<Transfer>> CurlFetcher::begin(const Request& request) {
  if (getpid() != pid_)
    return fail(ErrorCode::kEngine, "the fetcher was made by another process: it cannot be used after fork");
  auto transfer = Transfer::make(config_, request.domain, request.addresses);
  if (!transfer) return transfer;
  if (const CURLMcode code = curl_multi_add_handle(multi_.get(), (*transfer)->easy()); code != CURLM_OK)
    return fail(ErrorCode::kEngine, std::string("libcurl: ") + curl_multi_strerror(code));
  return transfer;
}

// libcurl says which events of a socket it waits for.
int CurlFetcher::on_socket(CURL* /*easy*/, curl_socket_t fd, int what, void* self, void* /*socket_data*/) noexcept {
  auto& fetcher = *static_cast<CurlFetcher*>(self);
  fetcher.sockets_.erase(fd);
  const unsigned interest =
      ((what & CURL_POLL_IN) != 0 ? EventLoop::kRead : 0U) | ((what & CURL_POLL_OUT) != 0 ? EventLoop::kWrite : 0U);
  if (what == CURL_POLL_REMOVE || interest == 0) return 0;
  fetcher.sockets_[fd] = fetcher.loop_.watch(fd, interest, [&fetcher, fd](unsigned ready) {
    fetcher.advance(fd, ((ready & EventLoop::kRead) != 0 ? CURL_CSELECT_IN : 0) |
                            ((ready & EventLoop::kWrite) != 0 ? CURL_CSELECT_OUT : 0));
  });
  return 0;
}

// libcurl says when it wants to be called without an event; it must not be called from in here.
int CurlFetcher::on_timeout(CURLM* /*multi*/, long timeout_ms, void* self) noexcept {
  auto& fetcher = *static_cast<CurlFetcher*>(self);
  fetcher.timer_.reset();
  if (timeout_ms >= 0)
    fetcher.timer_ =
        fetcher.loop_.after(milliseconds{timeout_ms}, [&fetcher] { fetcher.advance(CURL_SOCKET_TIMEOUT, 0); });
  return 0;
}

void CurlFetcher::advance(curl_socket_t fd, int events) {
  int running = 0;
  curl_multi_socket_action(multi_.get(), fd, events, &running);
  int left = 0;
  while (const CURLMsg* message = curl_multi_info_read(multi_.get(), &left))
    if (message->msg == CURLMSG_DONE) finish(message->easy_handle, message->data.result);
}

void CurlFetcher::finish(CURL* easy, CURLcode code) {
  const auto active =
      std::find_if(active_.begin(), active_.end(), [easy](const auto& a) { return a.transfer->easy() == easy; });
  auto result = active->transfer->verdict(code);
  const auto done = std::move(active->done);
  curl_multi_remove_handle(multi_.get(), easy);
  queue_.leave(active->ticket);
  active_.erase(active);
  schedule_pump();
  done(std::move(result));
}

// Why a file cannot be read by this user, or empty. Without the trusted authorities every fetch would fail as if the
// policy hosts were at fault, and mail would go out unprotected (R16).
std::string file_fault(const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0 || ::faccessat(AT_FDCWD, path.c_str(), R_OK, AT_EACCESS) != 0)
    return std::strerror(errno);
  return S_ISDIR(status.st_mode) ? "it is a directory" : "";
}

// GnuTLS takes a file without any certificate for a list of nobody. One certificate, at the file's beginning as a rule,
// is enough to know that it is a file of that kind.
std::string authorities_fault(const std::string& path) {
  if (std::string fault = file_fault(path); !fault.empty()) return fault;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("-----BEGIN ") && line.find("CERTIFICATE-----") != std::string::npos) return {};
  }
  return "no certificate is in it";
}

}  // namespace

Result<std::unique_ptr<Fetcher>> make_fetcher(EventLoop& loop, const FetcherConfig& config) {
  static const CURLcode initialised = curl_global_init(CURL_GLOBAL_DEFAULT);
  const char* backend = curl_version_info(CURLVERSION_NOW)->ssl_version;
  if (initialised != CURLE_OK) return fail(ErrorCode::kEngine, "libcurl cannot be initialised");
  if (backend == nullptr || !is_backend_of_curl(backend))
    return fail(ErrorCode::kEngine, std::string("this engine needs a libcurl with ") + tls_library() +
                                        ", the one here has " + (backend != nullptr ? escaped(backend) : "no TLS"));
  if (config.proxy.starts_with("https:"))
    return fail(ErrorCode::kConfig, "an https:// proxy cannot be used: write http:// or socks5h://");
  if (const std::string fault = authorities_fault(config.ca_file); !fault.empty())
    return fail(ErrorCode::kEngine, "the trusted authorities in " + config.ca_file + " cannot be read (" + fault +
                                        "): install ca-certificates or set fetch.ca_file in mtasts.toml");
  if (const std::string fault = config.crl_file.empty() ? "" : file_fault(config.crl_file); !fault.empty())
    return fail(ErrorCode::kEngine, "the revoked certificates in " + config.crl_file + " cannot be read (" + fault +
                                        "): mend or clear fetch.crl_file in mtasts.toml");
  auto fetcher = std::make_unique<CurlFetcher>(loop, config);
  if (!fetcher->is_usable()) return fail(ErrorCode::kEngine, "libcurl gives no handle");
  return fetcher;
}

const char* fetcher_tls_library() { return tls_library(); }

}  // namespace mtasts
