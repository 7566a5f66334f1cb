// What a helper that has been taken over (engines/prying.cc) can do.
#include <netinet/in.h>

#include <cerrno>

#include "tests/unit/module/helper/helper_process_test.h"

namespace mtasts {
namespace {

// A listening TCP socket on loopback.
class Listener {
 public:
  Listener() : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    struct sockaddr_in address {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    ::bind(socket_.get(), reinterpret_cast<const sockaddr*>(&address), size);
    ::listen(socket_.get(), 8);
    ::getsockname(socket_.get(), reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
  }
  [[nodiscard]] std::uint16_t port() const { return port_; }

 private:
  Descriptor socket_;
  std::uint16_t port_ = 0;
};

TEST_F(HelperProcessTest, TakenOverItReadsOnlyWhatLookupsNeed) {
  if (landlock_version() < 1) GTEST_SKIP() << "Landlock is not in this kernel";
  RunningHelper helper(config_);
  ASSERT_TRUE(helper.ready());
  EXPECT_EQ(helper.attempt("read /etc/passwd"), EACCES);
  EXPECT_EQ(helper.attempt("read /proc/self/status"), EACCES);
  EXPECT_EQ(helper.attempt("read " + config_.helper_program), EACCES);
  EXPECT_NE(helper.attempt("read /etc/resolv.conf"), EACCES);
  EXPECT_EQ(helper.attempt("read " + config_.network.fetch.ca_file), 0);
}

TEST_F(HelperProcessTest, TakenOverItWritesOnlyFilesOfTheStore) {
  if (landlock_version() < 1) GTEST_SKIP() << "Landlock is not in this kernel";
  const std::string open_to_all = make_directory("open", 0777);
  RunningHelper helper(config_);
  ASSERT_TRUE(helper.ready());
  EXPECT_EQ(helper.attempt("make " + open_to_all + "/file"), EACCES);
  EXPECT_EQ(helper.attempt("write " + config_.network.fetch.ca_file), EACCES);
  EXPECT_EQ(helper.attempt("make " + config_.cache_directory + "/file"), 0);
  EXPECT_NE(helper.attempt("link " + config_.cache_directory + "/link"), 0);
}

TEST_F(HelperProcessTest, TakenOverItConnectsToConfiguredPortsOnly) {
  const Listener policy_host;
  const Listener resolver;
  const Listener other;
  config_.network.fetch.port = policy_host.port();
  config_.network.dns.resolvers = {"127.0.0.1:" + std::to_string(resolver.port())};
  RunningHelper helper(config_);
  ASSERT_TRUE(helper.ready());
  EXPECT_EQ(helper.attempt("connect " + std::to_string(policy_host.port())), 0);
  EXPECT_EQ(helper.attempt("connect " + std::to_string(resolver.port())), 0);
  EXPECT_EQ(helper.attempt("connect " + std::to_string(other.port())), landlock_version() < 4 ? 0 : EACCES);
  EXPECT_NE(helper.attempt("listen"), 0);
}

// A mail server listens there, on this machine too.
TEST_F(HelperProcessTest, TakenOverItConnectsToThePortOfMxHostsOnlyWhereTheyAreTried) {
  const Listener mx_host;
  config_.network.probe.port = mx_host.port();
  const std::string attempt = "connect " + std::to_string(mx_host.port());
  {
    RunningHelper helper(config_);
    ASSERT_TRUE(helper.ready());
    EXPECT_EQ(helper.attempt(attempt), landlock_version() < 4 ? 0 : EACCES);
  }
  config_.tries_mx_hosts = true;
  RunningHelper helper(config_);
  ASSERT_TRUE(helper.ready());
  EXPECT_EQ(helper.attempt(attempt), 0);
}

// The URL of a proxy is libcurl's to read, and its name is asked for in a thread.
TEST_F(HelperProcessTest, WithAProxyItMayConnectToEveryPortAndAskForANameInAThread) {
  const Listener proxy;
  config_.network.fetch.proxy = "http://localhost:" + std::to_string(proxy.port());
  RunningHelper helper(config_);
  ASSERT_TRUE(helper.ready());
  EXPECT_EQ(helper.attempt("connect " + std::to_string(proxy.port())), 0);
  EXPECT_EQ(helper.attempt("thread"), 0);
  EXPECT_EQ(helper.attempt("resolve localhost"), 0);
  EXPECT_NE(helper.attempt("process"), 0);
}

TEST_F(HelperProcessTest, TakenOverItReachesNothingOfThisMachineButSyslog) {
  RunningHelper helper(config_);
  ASSERT_TRUE(helper.ready());
  for (const char* kind : {"unix-datagram", "tcp", "udp"}) EXPECT_EQ(helper.attempt(kind), 0) << kind;
  for (const char* kind : {"unix-stream", "netlink", "packet", "multipath", "sctp", "raw"})
    EXPECT_EQ(helper.attempt(kind), EAFNOSUPPORT) << kind;
}

TEST_F(HelperProcessTest, TakenOverItRunsNoOtherCode) {
  RunningHelper helper(config_);
  ASSERT_TRUE(helper.ready());
  EXPECT_EQ(helper.attempt("execute /bin/true"), ENOSYS);
  EXPECT_EQ(helper.attempt("process"), ENOSYS);
  EXPECT_EQ(helper.attempt("thread"), EAGAIN);
  EXPECT_EQ(helper.attempt("map-code"), EACCES);
  EXPECT_EQ(helper.attempt("make-code"), EACCES);
}

TEST_F(HelperProcessTest, TakenOverItHasNoHoldOnOtherProcesses) {
  RunningHelper helper(config_);
  ASSERT_TRUE(helper.ready());
  const std::string me = std::to_string(::getpid());
  EXPECT_EQ(helper.attempt("trace " + me), ENOSYS);
  EXPECT_EQ(helper.attempt("signal " + me), ENOSYS);
  EXPECT_EQ(helper.attempt("raise-limit " + me), ENOSYS);
  EXPECT_EQ(helper.attempt("become 0"), ENOSYS);
  EXPECT_EQ(helper.attempt("namespace"), ENOSYS);
}

}  // namespace
}  // namespace mtasts
