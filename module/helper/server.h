// The helper's side of the socket: carries out what its peer asks for and answers in any order.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "core/inspection.h"
#include "core/ports.h"
#include "module/engine/engine.h"
#include "module/helper/frames.h"
#include "module/io/descriptor.h"
#include "module/store/policy_store.h"
#include "module/tlsrpt/tlsrpt.h"

namespace mtasts {

// Everything passed to the constructor must outlive the server. One thread.
class HelperServer {
 public:
  // Whose peer only reports sessions ends after this time by itself. Such a peer uses a helper for
  // kHelperTakesSessions (session_fields.h), which is shorter.
  static constexpr std::chrono::seconds kTakesSessionsFor{60};

  struct Deps {
    EventLoop& loop;
    Engine& engine;
    Resolver& resolver;
    MxProber& prober;
    ServerQuestions& servers;
    HostInspector& inspector;
    FileStore& store;
    Log& log;
    bool warns;           // of lookups that failed
    TlsReports* reports;  // nullptr: there are none
  };

  // `reader`: has what came behind the settings. `peer_gone` is called once, when nobody will ask any more: the peer
  // has closed, sent what is no request, or has only reported sessions, for as long as it may.
  HelperServer(Deps deps, Descriptor socket, FrameReader reader, std::function<void()> peer_gone);

 private:
  void begin();
  void receive();
  void serve_all();
  bool serve(const Fields& request);
  void end_after_sessions();
  void serve_until_peer_ends();
  bool serve_question(const std::string& id, const std::string& type, const std::string& name);
  bool serve_lookup(const Fields& request);
  bool serve_probe(const Fields& request);
  bool serve_report(const Fields& request);
  bool serve_learning(const Fields& request);
  void warn_of_failure(const Outcome& outcome);
  void learn(const Outcome& outcome);
  bool serve_server_question(const Fields& request);
  bool serve_policy_host(const Fields& request);
  bool serve_mx_host(const Fields& request);
  void reply(const std::string& id, Fields fields);
  void send();
  void end();

  Deps deps_;
  Descriptor socket_;
  FrameReader reader_;
  std::function<void()> peer_gone_;
  std::string out_;
  std::unique_ptr<EventLoop::Watch> readable_;
  std::unique_ptr<EventLoop::Watch> writable_;
  std::unique_ptr<EventLoop::Watch> first_;
  std::unique_ptr<EventLoop::Watch> sessions_over_;
  bool answers_ = false;  // the peer waits for something
};

}  // namespace mtasts
