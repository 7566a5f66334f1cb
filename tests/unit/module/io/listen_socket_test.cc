#include "module/io/listen_socket.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <grp.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <vector>

#include "tests/unit/module/scratch.h"

namespace mtasts {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;
using testing::HasSubstr;

SteadyTime soon() { return steady_clock::now() + std::chrono::seconds(2); }

class ListenSocket : public testing::Test {
 protected:
  [[nodiscard]] struct stat status() const {
    struct stat result {};
    EXPECT_EQ(::lstat(path_.c_str(), &result), 0);
    return result;
  }

  Scratch scratch_;
  std::string path_ = scratch_.path() + "/socket";
  ListenAddress address_ = parse_listen_address("unix:" + path_).value();
};

// Any free port.
ListenAddress free_port(const std::string& host) {
  for (int port = 20'000 + ::getpid() % 10'000;; ++port) {
    auto address = parse_listen_address("inet:" + host + ":" + std::to_string(port)).value();
    if (listen_on(address, {})) return address;
  }
}

bool answers(const Descriptor& listening, const ListenAddress& address) {
  const auto client = connect_to(address, soon());
  if (!client) return false;
  pollfd waiting{listening.get(), POLLIN, 0};
  if (::poll(&waiting, 1, 2'000) != 1) return false;
  return static_cast<bool>(Descriptor(::accept(listening.get(), nullptr, nullptr)));
}

TEST_F(ListenSocket, TakesConnections) {
  const auto listening = listen_on(address_, {});
  ASSERT_TRUE(listening) << listening.error().detail;
  EXPECT_TRUE(answers(*listening, address_));
}

void takes_connections(const ListenAddress& address) {
  const auto listening = listen_on(address, {});
  ASSERT_TRUE(listening) << listening.error().detail;
  EXPECT_TRUE(answers(*listening, address));
}

TEST_F(ListenSocket, TakesConnectionsOverTcp) { takes_connections(free_port("127.0.0.1")); }

TEST_F(ListenSocket, TakesConnectionsOverIpv6) {
  if (!std::filesystem::exists("/proc/net/if_inet6")) GTEST_SKIP() << "this machine has no IPv6";
  takes_connections(free_port("[::1]"));
}

TEST_F(ListenSocket, NeitherBlocksNorIsInherited) {
  const auto listening = listen_on(address_, {});
  ASSERT_TRUE(listening);
  EXPECT_NE(::fcntl(listening->get(), F_GETFL) & O_NONBLOCK, 0);
  EXPECT_NE(::fcntl(listening->get(), F_GETFD) & FD_CLOEXEC, 0);
}

TEST_F(ListenSocket, AnAnswerOverTcpWaitsForNothing) {
  const ListenAddress address = free_port("127.0.0.1");
  const auto listening = listen_on(address, {});
  ASSERT_TRUE(listening);
  const auto client = connect_to(address, soon());
  ASSERT_TRUE(client);
  pollfd waiting{listening->get(), POLLIN, 0};
  ASSERT_EQ(::poll(&waiting, 1, 2'000), 1);
  const Descriptor accepted(::accept(listening->get(), nullptr, nullptr));
  int on = 0;
  socklen_t length = sizeof on;
  ASSERT_EQ(::getsockopt(accepted.get(), IPPROTO_TCP, TCP_NODELAY, &on, &length), 0);
  EXPECT_NE(on, 0);
}

TEST_F(ListenSocket, HasTheModeAskedForWhateverTheUmask) {
  const mode_t before = ::umask(0077);
  const auto listening = listen_on(address_, {"", "", 0660});
  ::umask(before);
  ASSERT_TRUE(listening) << listening.error().detail;
  EXPECT_EQ(status().st_mode & 07777U, 0660U);
}

TEST_F(ListenSocket, BelongsToTheOwnerAndGroupAskedFor) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can give a file away";
  const auto listening = listen_on(address_, {"nobody", "mail", 0600});
  ASSERT_TRUE(listening) << listening.error().detail;
  EXPECT_EQ(status().st_uid, 65534U);
  EXPECT_EQ(status().st_gid, ::getgrnam("mail")->gr_gid);
}

TEST_F(ListenSocket, LeavesNothingBehindWhenItCannotBeGivenAway) {
  const auto no_user = listen_on(address_, {"nobody-of-that-name", "", 0600});
  ASSERT_FALSE(no_user);
  EXPECT_THAT(no_user.error().detail, HasSubstr("there is no user \"nobody-of-that-name\""));
  const auto no_group = listen_on(address_, {"", "none-of-that-name", 0600});
  ASSERT_FALSE(no_group);
  EXPECT_THAT(no_group.error().detail, HasSubstr("there is no group \"none-of-that-name\""));
  EXPECT_FALSE(std::filesystem::exists(path_));
}

TEST_F(ListenSocket, ReplacesWhatAKilledProcessLeftBehind) {
  ASSERT_TRUE(listen_on(address_, {}));  // closed at once, the file stays
  ASSERT_TRUE(std::filesystem::exists(path_));
  const auto listening = listen_on(address_, {});
  ASSERT_TRUE(listening) << listening.error().detail;
  EXPECT_TRUE(answers(*listening, address_));
}

TEST_F(ListenSocket, LeavesASocketAloneThatSomebodyAnswersOn) {
  const auto first = listen_on(address_, {});
  ASSERT_TRUE(first);
  const auto second = listen_on(address_, {});
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::kLocalFault);
  EXPECT_THAT(second.error().detail, HasSubstr("another process listens there already"));
  EXPECT_TRUE(connect_to(address_, soon()));
}

TEST_F(ListenSocket, SaysSoWhenAnotherUsersSocketIsThere) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can be two users";
  ASSERT_TRUE(listen_on(address_, {"", "", 0600}));
  std::filesystem::permissions(scratch_.path(), std::filesystem::perms::all);
  ASSERT_EQ(::seteuid(65534), 0);
  const auto listening = listen_on(address_, {});
  ASSERT_EQ(::seteuid(0), 0);
  ASSERT_FALSE(listening);
  EXPECT_THAT(listening.error().detail, HasSubstr("a socket of another user has that name; remove it"));
}

TEST_F(ListenSocket, LeavesAFileAloneThatIsNoSocket) {
  std::ofstream(path_) << "precious";
  const auto listening = listen_on(address_, {});
  ASSERT_FALSE(listening);
  EXPECT_THAT(listening.error().detail, HasSubstr("a file that is no socket"));
  EXPECT_EQ(std::filesystem::file_size(path_), 8U);
}

TEST_F(ListenSocket, LeavesALinkAloneEvenToASocketThatIsStale) {
  const std::string link = scratch_.path() + "/link";
  ASSERT_TRUE(listen_on(address_, {}));
  std::filesystem::create_symlink(path_, link);
  EXPECT_FALSE(listen_on(parse_listen_address("unix:" + link).value(), {}));
  EXPECT_TRUE(std::filesystem::is_symlink(link));
}

TEST_F(ListenSocket, NamesTheFolderThatIsMissing) {
  const auto listening = listen_on(parse_listen_address("unix:" + scratch_.path() + "/none/socket").value(), {});
  ASSERT_FALSE(listening);
  EXPECT_THAT(listening.error().detail, HasSubstr("there is no folder " + scratch_.path() + "/none; create it"));
}

TEST_F(ListenSocket, SaysSoWhenAPortIsTaken) {
  const ListenAddress address = free_port("127.0.0.1");
  const auto first = listen_on(address, {});
  const auto second = listen_on(address, {});
  ASSERT_FALSE(second);
  EXPECT_THAT(second.error().detail, HasSubstr(address.text + ": another process listens there already"));
}

TEST_F(ListenSocket, NamesTheOtherResolverThatUsesOurPort) {
  const ListenAddress address = parse_listen_address("inet:127.0.0.1:8461").value();
  const auto first = listen_on(address, {});
  const auto second = listen_on(address, {});
  ASSERT_FALSE(second);
  EXPECT_THAT(second.error().detail, HasSubstr("\"systemctl disable --now postfix-mta-sts-resolver\""));
}

TEST_F(ListenSocket, SaysSoWhenTheMachineHasNoSuchAddress) {
  const auto listening = listen_on(parse_listen_address("inet:192.0.2.1:8461").value(), {});
  ASSERT_FALSE(listening);
  EXPECT_THAT(listening.error().detail, HasSubstr("this machine has no such address"));
}

TEST_F(ListenSocket, ConnectingSaysThatNobodyListens) {
  const auto nothing = connect_to(address_, soon());
  ASSERT_FALSE(nothing);
  EXPECT_THAT(nothing.error().detail, HasSubstr("there is no such socket; is mtastsd running?"));
  ASSERT_TRUE(listen_on(address_, {}));
  const auto stale = connect_to(address_, soon());
  ASSERT_FALSE(stale);
  EXPECT_THAT(stale.error().detail, HasSubstr("nobody listens there"));
}

// A listener that never accepts: a unix socket's queue is full at some time.
Descriptor unwilling(const ListenAddress& address) {
  Descriptor listening(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  EXPECT_EQ(::bind(listening.get(), reinterpret_cast<const sockaddr*>(&address.address), address.length), 0);
  EXPECT_EQ(::listen(listening.get(), 0), 0);
  return listening;
}

// Connections, as many as the queue takes; then the error of the first that it does not take.
Error fill(const ListenAddress& address, std::vector<Descriptor>& queued) {
  for (int i = 0; i < 10; ++i) {
    auto client = connect_to(address, steady_clock::now() + milliseconds{50});
    if (!client) return client.error();
    queued.push_back(std::move(*client));
  }
  return {ErrorCode::kInternal, "the queue never filled"};
}

TEST_F(ListenSocket, ConnectingEndsAtItsDeadline) {
  const Descriptor listening = unwilling(address_);
  std::vector<Descriptor> queued;
  const auto begin = steady_clock::now();
  EXPECT_EQ(fill(address_, queued).code, ErrorCode::kDeadline);
  EXPECT_LT(steady_clock::now() - begin, milliseconds{1500});
}

TEST_F(ListenSocket, LeavesASocketAloneWhoseOwnerIsTooBusyToAnswer) {
  const Descriptor busy = unwilling(address_);
  std::vector<Descriptor> queued;
  fill(address_, queued);
  const auto second = listen_on(address_, {});
  ASSERT_FALSE(second);
  EXPECT_THAT(second.error().detail, HasSubstr("another process listens there already"));
}

}  // namespace
}  // namespace mtasts
