// The engine libraries as a process opens them: by name, both in one process.
#include "module/engine/network.h"
#include "module/io/event_loop.h"

#include <dlfcn.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>

#include "tests/unit/lab.h"

// The leak check of the sanitizers guesses where the thread-local data of a library lie that was opened later, and
// crashes when it guesses wrong. Without such data as roots it finds more, not less.
// NOLINTNEXTLINE(bugprone-reserved-identifier): the sanitizer's own name
extern "C" __attribute__((visibility("default"))) const char* __lsan_default_options() { return "use_tls=0"; }
// Four bytes that newer versions of the dynamic loader keep are found by that alone.
// NOLINTNEXTLINE(bugprone-reserved-identifier): the sanitizer's own name
extern "C" __attribute__((visibility("default"))) const char* __lsan_default_suppressions() { return "leak:ld-linux"; }

namespace mtasts {
namespace {

using test::lab;
using testing::HasSubstr;

struct Library {
  const char* name;
  const char* path;
};
constexpr Library kLibraries[] = {{"openssl", MTASTS_TEST_ENGINE_DIR "/engine-openssl.so"},
                                  {"gnutls", MTASTS_TEST_ENGINE_DIR "/engine-gnutls.so"}};

NetworkOpen opener(const Library& library) {
  void* handle = dlopen(library.path, RTLD_NOW | RTLD_LOCAL);
  EXPECT_NE(handle, nullptr) << dlerror();
  return reinterpret_cast<NetworkOpen>(dlsym(handle, kNetworkOpenSymbol));
}

NetworkConfig lab_config() {
  NetworkConfig config;
  config.dns.resolvers = {lab("RESOLVER")};
  config.fetch.allow_private = config.probe.allow_private = {"127.0.0.0/8", "::1"};
  config.fetch.ca_file = lab("CA");
  config.fetch.port = static_cast<std::uint16_t>(std::stoul(lab("POLICY_PORT")));
  config.probe.ca_file = lab("CA");
  config.probe.port = static_cast<std::uint16_t>(std::stoul(lab("MX_PORT")));
  return config;
}

std::unique_ptr<Network> open(const Library& library, const NetworkConfig& config) {
  Error error{ErrorCode::kInternal, {}};
  std::unique_ptr<Network> network(opener(library)(kNetworkAbi, config, &error));
  EXPECT_NE(network, nullptr) << error.detail;
  return network;
}

// The network's part of a lookup: record, addresses, policy file. What came, or the first error's sentence.
std::string look_up(Network& network, const char* name) {
  std::string came;
  const Domain domain = Domain::parse(name).value();
  const auto ended = [&](std::string what) {
    came += what;
    network.loop().stop();
  };
  network.resolver().txt(domain.record_name(), [&](auto record) {
    if (!record) return ended(record.error().detail);
    came += record->records.at(0) + "\n";
    network.resolver().addresses(domain.policy_host(), [&](auto addresses) {
      if (!addresses) return ended(addresses.error().detail);
      network.fetcher().fetch(domain, addresses->records, Priority::kFirstContact,
                              [&](auto file) { ended(file ? *file : file.error().detail); });
    });
  });
  network.loop().run();
  return came;
}

class EngineLibrary : public testing::TestWithParam<Library> {};

TEST_P(EngineLibrary, WorksSeveralTimesInOneProcess) {
  auto first = open(GetParam(), lab_config());
  const auto second = open(GetParam(), lab_config());
  EXPECT_THAT(look_up(*first, "good.test"), HasSubstr("mode: enforce"));
  first.reset();
  EXPECT_THAT(look_up(*second, "good.test"), HasSubstr("mode: enforce"));
}

TEST_P(EngineLibrary, LooksUp) {
  const auto network = open(GetParam(), lab_config());
  EXPECT_EQ(look_up(*network, "good.test"),
            "v=STSv1; id=20261101T000000Z;\nversion: STSv1\r\nmode: enforce\r\nmx: mx1.good.test\r\n"
            "mx: *.wild.good.test\r\nmax_age: 604800\r\n");
}

TEST_P(EngineLibrary, R12CommonNameAloneIsRefused) {
  const auto network = open(GetParam(), lab_config());
  EXPECT_THAT(look_up(*network, "cnonly.test"), HasSubstr("certificate of mta-sts.cnonly.test"));
}

TEST_P(EngineLibrary, R25ProbesMxHosts) {
  const auto network = open(GetParam(), lab_config());
  const auto probe = [&](const char* host) {
    std::string came;
    network->prober().probe(host, {"127.0.25.1"}, MxProber::Sni::kSent, [&](const MxTrial& trial) {
      const auto& result = trial.result;
      came = result ? "passes" : error_name(result.error().code);
      network->loop().stop();
    });
    network->loop().run();
    return came;
  };
  EXPECT_EQ(probe("mx.good.test"), "passes");
  EXPECT_EQ(probe("mta-sts.cnonly.test"), "certificate-host-mismatch");
}

TEST_P(EngineLibrary, OpensAndClosesAgainAndAgain) {
  for (int i = 0; i < 3; ++i) EXPECT_THAT(look_up(*open(GetParam(), lab_config()), "wildcard.test"), HasSubstr("mx:"));
}

TEST_P(EngineLibrary, ClosesWithEverythingUnderWay) {
  auto config = lab_config();
  config.dns.resolvers = {lab("DEAD_RESOLVER")};
  const auto network = open(GetParam(), config);
  bool called = false;
  network->resolver().txt("_mta-sts.good.test", [&](auto) { called = true; });
  network->fetcher().fetch(Domain::parse("silent.test").value(), {"127.0.0.4"}, Priority::kFirstContact,
                           [&](auto) { called = true; });
  const auto watch = network->loop().after(std::chrono::milliseconds{200}, [&] { network->loop().stop(); });
  network->loop().run();
  EXPECT_FALSE(called);
}

TEST_P(EngineLibrary, RefusesAnotherAbi) {
  for (const char* abi : {"", "mtasts-network 0.0.0", "\x01\xff"}) {
    Error error{ErrorCode::kConfig, {}};
    EXPECT_EQ(opener(GetParam())(abi, lab_config(), &error), nullptr);
    EXPECT_EQ(error.code, ErrorCode::kInternal);
    EXPECT_THAT(error.detail, HasSubstr(kNetworkAbi));
  }
}

TEST_P(EngineLibrary, SaysWhatIsWrongWithTheConfiguration) {
  auto config = lab_config();
  config.dns.resolvers = {"resolver.example"};
  Error error{ErrorCode::kInternal, {}};
  EXPECT_EQ(opener(GetParam())(kNetworkAbi, config, &error), nullptr);
  EXPECT_EQ(error.code, ErrorCode::kConfig);
  EXPECT_THAT(error.detail, HasSubstr("resolver.example"));
}

INSTANTIATE_TEST_SUITE_P(Network, EngineLibrary, testing::ValuesIn(kLibraries),
                         [](const auto& info) { return std::string(info.param.name); });

TEST(EngineLibraries, WorkSideBySideInOneProcess) {
  const auto openssl = open(kLibraries[0], lab_config());
  const auto gnutls = open(kLibraries[1], lab_config());
  const std::string first = look_up(*openssl, "good.test");
  EXPECT_EQ(first, look_up(*gnutls, "good.test"));
  EXPECT_EQ(first, look_up(*openssl, "good.test"));
}

}  // namespace
}  // namespace mtasts
