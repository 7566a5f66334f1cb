#include "fetch/multi.h"

#include <curl/curl.h>
#include <unistd.h>

#include <string>
#include <utility>

namespace mtasts {

using std::chrono::milliseconds;

struct CurlMulti::Callbacks {
  // libcurl says which events of a socket it waits for.
  static int socket(CURL* /*easy*/, curl_socket_t fd, int what, void* userdata, void* /*socket_data*/) noexcept {
    auto& self = *static_cast<CurlMulti*>(userdata);
    self.sockets_.erase(fd);
    const unsigned interest =
        ((what & CURL_POLL_IN) != 0 ? EventLoop::kRead : 0U) | ((what & CURL_POLL_OUT) != 0 ? EventLoop::kWrite : 0U);
    if (what == CURL_POLL_REMOVE || interest == 0) return 0;
    self.sockets_[fd] = self.loop_.watch(fd, interest, [&self, fd](unsigned ready) {
      self.advance(fd, ((ready & EventLoop::kRead) != 0 ? CURL_CSELECT_IN : 0) |
                           ((ready & EventLoop::kWrite) != 0 ? CURL_CSELECT_OUT : 0));
    });
    return 0;
  }

  // libcurl says when it wants to be called without an event; it must not be called from in here.
  static int timeout(CURLM* /*multi*/, long timeout_ms, void* userdata) noexcept {
    auto& self = *static_cast<CurlMulti*>(userdata);
    self.timer_.reset();
    if (timeout_ms >= 0)
      self.timer_ = self.loop_.after(milliseconds{timeout_ms}, [&self] { self.advance(CURL_SOCKET_TIMEOUT, 0); });
    return 0;
  }
};

void CurlMulti::Cleanup::operator()(void* multi) const { curl_multi_cleanup(multi); }

CurlMulti::CurlMulti(EventLoop& loop) : loop_(loop), pid_(getpid()), multi_(curl_multi_init()) {
  if (!multi_) return;
  curl_multi_setopt(multi_.get(), CURLMOPT_SOCKETFUNCTION, &Callbacks::socket);
  curl_multi_setopt(multi_.get(), CURLMOPT_SOCKETDATA, this);
  curl_multi_setopt(multi_.get(), CURLMOPT_TIMERFUNCTION, &Callbacks::timeout);
  curl_multi_setopt(multi_.get(), CURLMOPT_TIMERDATA, this);
}

CurlMulti::~CurlMulti() = default;

Result<void> CurlMulti::add(void* easy, Done done) {
  if (getpid() != pid_) return fail(ErrorCode::kInternal, "made by another process: it cannot be used after fork");
  if (const CURLMcode code = curl_multi_add_handle(multi_.get(), easy); code != CURLM_OK)
    return fail(ErrorCode::kLocalFault, std::string("libcurl: ") + curl_multi_strerror(code));
  under_way_[easy] = std::move(done);
  return {};
}

void CurlMulti::remove(void* easy) {
  if (under_way_.erase(easy) > 0) curl_multi_remove_handle(multi_.get(), easy);
}

void CurlMulti::advance(int fd, int events) {
  int running = 0;
  curl_multi_socket_action(multi_.get(), fd, events, &running);
  int left = 0;
  while (const CURLMsg* message = curl_multi_info_read(multi_.get(), &left)) {
    if (message->msg != CURLMSG_DONE) continue;
    // A copy: it removes the handle, and itself from the map.
    const Done done = under_way_.at(message->easy_handle);
    done(message->data.result);
  }
}

}  // namespace mtasts
