#include "module/config/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cerrno>
#include <filesystem>
#include <fstream>

#include "module/config/observe.h"
#include "module/config/schema.h"
#include "module/helper/settings.h"
#include "tests/unit/module/fake_log.h"
#include "tests/unit/module/faults.h"
#include "tests/unit/module/scratch.h"

namespace mtasts {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

class ConfigFile : public ::testing::Test {
 protected:
  Result<Config> load(const std::string& text) {
    std::ofstream(path_) << text;
    return load_config(path_);
  }
  std::string error_of(const std::string& text) {
    const auto config = load(text);
    return config ? std::string("no error") : config.error().detail;
  }
  Scratch scratch_;
  std::string path_ = scratch_.path() + "/mtasts.toml";
};

TEST_F(ConfigFile, EmptyFileGivesTheDefaultsOfTheContract) {
  const auto config = load("");
  ASSERT_TRUE(config);
  EXPECT_TRUE(config->network.dns.resolvers.empty());
  EXPECT_EQ(config->network.dns.timeout.count(), 5);
  EXPECT_EQ(config->lookup.min_ttl.count(), 60);
  EXPECT_EQ(config->lookup.max_ttl.count(), 86'400);
  EXPECT_EQ(config->network.fetch.timeout.count(), 60);
  EXPECT_EQ(config->lookup.retry.count(), 300);
  EXPECT_EQ(config->network.fetch.ca_file, "/etc/ssl/certs/ca-certificates.crt");
  EXPECT_EQ(config->user, "_mtasts");
  EXPECT_EQ(config->deadline.count(), 20);
  EXPECT_EQ(config->decision.on_deadline, WhenUnknown::kDefer);
  EXPECT_EQ(config->decision.on_dns_failure, WhenUnknown::kNoPolicy);
  EXPECT_EQ(config->cache_directory, "/var/lib/mtasts");
  EXPECT_EQ(config->lookup.refresh.count(), 86'400);
  ASSERT_EQ(config->socketmap.listen.size(), 1U);
  EXPECT_EQ(config->socketmap.listen[0].text, "unix:/run/mtasts/socketmap.sock");
  EXPECT_EQ(config->socketmap.rights, (SocketRights{"", "_mtasts", 0660}));
  EXPECT_EQ(config->socketmap.max_connections, 2000U);
  EXPECT_EQ(config->socketmap.dane_answer, DaneAnswer::kDaneOnly);
  EXPECT_FALSE(config->metrics);
}

// The default file is missing here, as on a machine where nothing is configured.
TEST_F(ConfigFile, WithoutAFileEverythingIsDerivedAsWithAnEmptyOne) {
  if (std::filesystem::exists(default_config_path())) return;
  const auto without = load_config(default_config_path());
  const auto empty = load("");
  ASSERT_TRUE(without && empty);
  EXPECT_EQ(without->network.probe.ca_file, empty->network.probe.ca_file);
  EXPECT_EQ(without->network.probe.timeout, empty->network.probe.timeout);
  EXPECT_EQ(without->network.dns.deadline, empty->network.dns.deadline);
}

TEST_F(ConfigFile, LimitsOfTheStoreReachTheLookupHelper) {
  EXPECT_EQ(load("")->quota.bytes, std::int64_t{1} << 30U);
  const auto config = load("[cache]\nmax_entries = 2000\nmax_mb = 32\nmax_per_domain = 50\nforget_s = 90000\n");
  ASSERT_TRUE(config);
  const auto settings = decode_settings(encode_settings(helper_settings(*config, LogTarget::kSyslog)));
  ASSERT_TRUE(settings);
  EXPECT_EQ(settings->quota.entries, 2000);
  EXPECT_EQ(settings->quota.bytes, 32 * 1024 * 1024);
  EXPECT_EQ(settings->quota.entries_per_domain, 50);
  EXPECT_EQ(settings->quota.forget.count(), 90'000);
}

TEST_F(ConfigFile, MxHostsAreTrustedAsPolicyHostsAre) {
  EXPECT_EQ(load("")->network.probe.ca_file, "/etc/ssl/certs/ca-certificates.crt");
  EXPECT_EQ(load("")->network.probe.timeout.count(), 20);
  EXPECT_EQ(load("")->network.probe.connect_timeout.count(), 10);
  const auto config = load("[fetch]\nca_file = \"" + path_ + "\"\ncrl_file = \"" + path_ +
                           "\"\ntimeout_s = 5\nmax_per_address = 3\n"
                           "allow_private = [\"10.0.0.0/8\", \"fd00::1\"]\n");
  ASSERT_TRUE(config);
  EXPECT_EQ(config->network.probe.ca_file, path_);
  EXPECT_EQ(config->network.probe.crl_file, path_);
  EXPECT_EQ(config->network.probe.timeout.count(), 5);
  EXPECT_EQ(config->network.probe.max_per_address, 3U);
  EXPECT_THAT(config->network.fetch.allow_private, testing::ElementsAre("10.0.0.0/8", "fd00::1"));
  EXPECT_EQ(config->network.probe.allow_private, config->network.fetch.allow_private);
  EXPECT_EQ(config->network.probe.connect_timeout.count(), 5);
}

TEST_F(ConfigFile, ReadsEverySection) {
  const auto config = load(R"(
[dns]
resolvers = ["127.0.0.1", "[::1]:5353"]
transport = "tls"
trust_ad = "never"
[fetch]
proxy = "http://proxy.example:3128"
[engine]
tls = "gnutls"
on_dns_failure = "defer"
[cache]
directory = "/srv/mtasts"
[[policy.override]]
domain = "Partner.Example"
mode = "none"
[[policy.override]]
domain = "example.net"
mode = "enforce"
[socketmap]
listen = ["inet:[::1]:8461"]
socket_owner = "postfix"
socket_group = "postdrop"
socket_mode = "660"
max_connections = 50
dane_answer = "notfound"
[tlsrpt]
socket = "/run/tlsrpt/collectd.sock"
[metrics]
listen = "inet:127.0.0.1:9461"
[log]
level = "debug"
)");
  ASSERT_TRUE(config) << config.error().detail;
  EXPECT_EQ(config->network.dns.resolvers.at(1), "[::1]:5353");
  EXPECT_EQ(config->tls, TlsLibrary::kGnuTls);
  EXPECT_EQ(config->decision.on_dns_failure, WhenUnknown::kDefer);
  ASSERT_EQ(config->decision.overrides.size(), 2U);
  EXPECT_EQ(config->decision.overrides[0].domain.text(), "partner.example");
  EXPECT_EQ(config->decision.overrides[1].mode, Mode::kEnforce);
  ASSERT_EQ(config->socketmap.listen.size(), 1U);
  EXPECT_EQ(config->socketmap.listen[0].text, "inet:[::1]:8461");
  EXPECT_EQ(config->socketmap.rights, (SocketRights{"postfix", "postdrop", 0660}));
  EXPECT_EQ(config->socketmap.max_connections, 50U);
  EXPECT_EQ(config->socketmap.dane_answer, DaneAnswer::kNotFound);
  EXPECT_EQ(config->tlsrpt_socket, "/run/tlsrpt/collectd.sock");
  ASSERT_TRUE(config->metrics);
  EXPECT_EQ(config->metrics->text, "inet:127.0.0.1:9461");
  EXPECT_EQ(config->log_level, LogLevel::kDebug);
}

// With sockets from systemd nothing else need be listened on.
TEST_F(ConfigFile, MayListenNowhere) {
  const auto config = load("[socketmap]\nlisten = []\n[metrics]\nlisten = \"\"\n");
  ASSERT_TRUE(config) << config.error().detail;
  EXPECT_TRUE(config->socketmap.listen.empty());
  EXPECT_FALSE(config->metrics);
}

TEST_F(ConfigFile, RefusesASocketWhosePathDoesNotFitIntoAnAddress) {
  const std::string longest = '/' + std::string(106, 'x');
  EXPECT_TRUE(load("[tlsrpt]\nsocket = \"" + longest + "\"\n"));
  EXPECT_FALSE(load("[tlsrpt]\nsocket = \"" + longest + "x\"\n"));
}

struct BadInput {
  const char* text;
  const char* line;     // ":N:" of the message
  const char* message;  // part of it
};

class BadConfig : public ConfigFile, public ::testing::WithParamInterface<BadInput> {};

TEST_P(BadConfig, NamesFileLineKeyAndWhatIsAllowed) {
  const auto& [text, line, message] = GetParam();
  const std::string error = error_of(text);
  EXPECT_THAT(error, StartsWith(path_ + line));
  EXPECT_THAT(error, HasSubstr(message));
}

INSTANTIATE_TEST_SUITE_P(
    Table, BadConfig,
    ::testing::Values(
        BadInput{"[dns]\ntimeout_s = 0\n", ":2:", "dns.timeout_s must be a whole number of seconds from 1 to 60"},
        BadInput{"[dns]\ntimeout_s = \"5\"\n", ":2:", "dns.timeout_s must be"},
        BadInput{"[dns]\nmax_in_flight = 0\n", ":2:", "dns.max_in_flight must be a whole number from 1 to 400"},
        BadInput{"[fetch]\nmax_per_address = 1001\n", ":2:", "fetch.max_per_address must be a whole number from 1"},
        BadInput{"[fetch]\ncrl_file = \"/nowhere.pem\"\n", ":2:", "fetch.crl_file must be a file that can be read"},
        BadInput{"[fetch]\nallow_private = true\n", ":2:", "a list of at most 64 networks like [\"10.0.0.0/8\""},
        BadInput{"[fetch]\nallow_private = [\"10.0.0.1/8\"]\n", ":2:", "fetch.allow_private must be a list"},
        BadInput{"[fetch]\nallow_private = [\"intranet\"]\n", ":2:", "fetch.allow_private must be a list"},
        BadInput{"[fetch]\nproxy = \"https://proxy.example\"\n", ":2:", "fetch.proxy must be \"\" or a URL"},
        BadInput{"[cache]\nforget_s = 60\n", ":2:", "cache.forget_s must be a whole number of seconds from 86400"},
        BadInput{"[cache]\nmax_entries = 10\n", ":2:", "cache.max_entries must be a whole number from 1000"},
        BadInput{"[cache]\nmax_mb = \"1\"\n", ":2:", "cache.max_mb must be a whole number from 16"},
        BadInput{"[cache]\nmax_per_domain = 0\n", ":2:", "cache.max_per_domain must be a whole number from 10"},
        BadInput{"[policy]\ndane = \"on\"\n", ":2:", "policy.dane must be \"auto\" or \"off\""},
        BadInput{"[policy]\ndnae = \"off\"\n", ":2:", "unknown key policy.dnae; known here: dane, override"},
        BadInput{"[dns]\ntimeout_s = 5.5\n", ":2:", "dns.timeout_s must be"},
        BadInput{"[dns]\nresolvers = \"127.0.0.1\"\n", ":2:", "dns.resolvers must be a list"},
        BadInput{"[dns]\nresolvers = [\"127.0.0.1:0\"]\n", ":2:", "dns.resolvers must be a list"},
        BadInput{"[dns]\nresolvers = [\"localhost\"]\n", ":2:", "dns.resolvers must be a list"},
        BadInput{"[dns]\nresolvers = [\"[::1\"]\n", ":2:", "dns.resolvers must be a list"},
        BadInput{"[dns]\nresolvers = [53]\n", ":2:", "dns.resolvers must be a list"},
        BadInput{"\n[dns]\ntransport = \"udp\"\n", ":3:", "dns.transport must be \"tcp\" or \"tls\""},
        BadInput{"[dns]\nport = 53\n", ":2:", "unknown key dns.port; known here: resolvers, transport"},
        BadInput{"[dns]\nmin_ttl_s = 9\nmax_ttl_s = 8\n", ":2:", "must not be greater than dns.max_ttl_s"},
        BadInput{"[dns]\nmax_ttl_s = 8\n", ":2:", "must not be greater than dns.max_ttl_s"},
        BadInput{"[fetch]\nca_file = \"/nowhere/ca.pem\"\n",
                 ":2:", "fetch.ca_file must be a file that can be read: No such file"},
        BadInput{"[fetch]\nca_file = \"/etc/ssl/certs\"\n",
                 ":2:", "fetch.ca_file must be a file that can be read: it is a directory"},
        BadInput{"[fetch]\nretry_s = 299\n", ":2:", "fetch.retry_s must be a whole number of seconds from 300"},
        BadInput{"[fetch]\nca_file = \"ca.pem\"\n", ":2:", "fetch.ca_file must be an absolute path"},
        BadInput{"[fetch]\nproxy = \"proxy:3128\"\n", ":2:", "fetch.proxy must be"},
        BadInput{"[engine]\nuser = \"\"\n", ":2:", "engine.user must be the name of a system user"},
        BadInput{"[engine]\non_deadline = \"deliver\"\n", ":2:", "\"defer\" or \"no-policy\""},
        BadInput{"[cache]\ndirectory = \"cache\"\n", ":2:", "cache.directory must be an absolute path"},
        BadInput{"[socketmap]\nlisten = \"inet:127.0.0.1:8461\"\n",
                 ":2:", "socketmap.listen must be a list of at most 16"},
        BadInput{"[socketmap]\nlisten = [\"127.0.0.1:8461\"]\n", ":2:", "addresses like [\"unix:/run/mtasts"},
        BadInput{"[socketmap]\nlisten = [\"inet:[::1]:1\", \"inet:[0::1]:1\"]\n", ":2:", "16 different addresses"},
        BadInput{"[socketmap]\nsocket_owner = \"a b\"\n", ":2:", "socketmap.socket_owner must be \"\" or the name"},
        BadInput{"[socketmap]\nsocket_group = 5\n", ":2:", "socketmap.socket_group must be \"\" or the name"},
        BadInput{"[socketmap]\nsocket_mode = 0o660\n", ":2:", "socketmap.socket_mode must be a mode in octal like"},
        BadInput{"[socketmap]\nsocket_mode = \"0689\"\n", ":2:", "socketmap.socket_mode must be a mode in octal"},
        BadInput{"[socketmap]\nsocket_mode = \"4755\"\n", ":2:", "socketmap.socket_mode must be a mode in octal"},
        BadInput{"[socketmap]\nsocket_mode = \"-666\"\n", ":2:", "socketmap.socket_mode must be a mode in octal"},
        BadInput{"[socketmap]\nmax_connections = 0\n",
                 ":2:", "socketmap.max_connections must be a whole number from 1"},
        BadInput{"[exim]\nobserve = 1\n", ":2:", "exim.observe must be true or false"},
        BadInput{"[socketmap]\ndane_answer = \"secure\"\n", ":2:", "\"notfound\", \"dane\" or \"dane-only\""},
        BadInput{"[tlsrpt]\nsocket = \"collectd.sock\"\n", ":2:", "tlsrpt.socket must be \"\" or the absolute path"},
        BadInput{"[metrics]\nlisten = \"9461\"\n", ":2:", "metrics.listen must be \"\" or an address like"},
        BadInput{"[loging]\nlevel = \"info\"\n", ":1:", "unknown section [loging]; known: dns, fetch"},
        BadInput{"dns = 5\n", ":1:", "dns must be written as a section [dns]"},
        BadInput{"[policy]\ndane_first = true\n", ":2:", "unknown key policy.dane_first"},
        BadInput{"[[policy.override]]\ndomain = \"a b\"\nmode = \"none\"\n",
                 ":2:", "policy.override.domain must be a domain name"},
        BadInput{"[[policy.override]]\ndomain = \"a.example\"\nmode = \"off\"\n",
                 ":3:", "policy.override.mode must be"},
        BadInput{"[[policy.override]]\ndomain = \"a.example\"\n", ":1:", "needs both domain and mode"},
        BadInput{"[policy]\noverride = 5\n", ":2:", "must be written as [[policy.override]]"},
        BadInput{"[[policy.override]]\ndomain = \"*.partner.example\"\nmode = \"none\"\n",
                 ":2:", "only the domain is meant: partner.example"},
        BadInput{"[[policy.override]]\ndomain = *.partner.example\n",
                 ":2:", "text needs quotes: domain = \"*.partner.example\""},
        BadInput{"# tls\n\n[engine]\ntls = openssl  # the library\n", ":4:", "text needs quotes: tls = \"openssl\""},
        BadInput{"[cache]\r\ndirectory=/var/lib/mtasts\r\n",
                 ":2:", "text needs quotes: directory = \"/var/lib/mtasts\""},
        BadInput{"[engine]\ntls = \"open\n", ":2:", "not valid TOML"}, BadInput{"[dns\n", ":1:", "not valid TOML"},
        BadInput{"[dns]\ntimeout_s = 5\ntimeout_s = 6\n", ":3:", "not valid TOML"},
        BadInput{"\xff\xfe", ":1:", "not valid TOML"}));

TEST_F(ConfigFile, MissingFileIsAnErrorUnlessItIsTheDefault) {
  const auto config = load_config(scratch_.path() + "/none.toml");
  ASSERT_FALSE(config);
  EXPECT_EQ(config.error().code, ErrorCode::kConfig);
  EXPECT_THAT(config.error().detail, HasSubstr("cannot be opened: No such file"));
}

TEST_F(ConfigFile, RefusesWhatIsNoRegularFile) {
  EXPECT_FALSE(load_config(scratch_.path()));
  ASSERT_EQ(::mkfifo((scratch_.path() + "/fifo").c_str(), 0600), 0);
  const auto config = load_config(scratch_.path() + "/fifo");
  ASSERT_FALSE(config);
  EXPECT_THAT(config.error().detail, HasSubstr("is not a regular file"));
}

// A shorter configuration may have another store, defer nothing and override nothing.
TEST_F(ConfigFile, APartOfItIsNotTakenForAll) {
  const std::string text = "[cache]\ndirectory = \"/srv/mtasts\"\n";
  {
    const WhenRead fault([](int) { return EIO; });
    EXPECT_EQ(error_of(text), path_ + ": cannot be read: Input/output error");
  }
  for (const std::size_t size : {std::size_t{0}, std::size_t{8}, text.size() + 1}) {
    const WhenRead change([&](int) {
      std::filesystem::resize_file(path_, size);
      return 0;
    });
    EXPECT_EQ(error_of(text), path_ + ": was changed while it was read") << size;
  }
  EXPECT_EQ(load(text)->cache_directory, "/srv/mtasts");
}

TEST_F(ConfigFile, AReadThatASignalInterruptsGoesOn) {
  int reads = 0;
  const WhenRead interrupt([&](int) { return reads++ == 0 ? EINTR : 0; });
  const auto config = load("[cache]\ndirectory = \"/srv/mtasts\"\n");
  ASSERT_TRUE(config);
  EXPECT_EQ(config->cache_directory, "/srv/mtasts");
}

TEST_F(ConfigFile, DescribesEveryKeyWithItsOrigin) {
  std::ofstream(path_) << "[engine]\ndeadline_s = 7\n";
  const auto settings = describe_config(path_);
  ASSERT_TRUE(settings);
  ASSERT_EQ(settings->size(), config_keys().size() + 1);
  for (const auto& setting : *settings) {
    const bool ours = setting.key == "engine.deadline_s";
    EXPECT_EQ(setting.origin, ours ? path_ + ":2" : "default") << setting.key;
    if (ours) {
      EXPECT_EQ(setting.value, "7");
    }
  }
}

// What `mtasts config` prints can be read back.
TEST_F(ConfigFile, ShownValuesAreAcceptedAgain) {
  const auto settings = describe_config((std::ofstream(path_) << "[dns]\nresolvers = [\"::1\"]\n", path_));
  ASSERT_TRUE(settings);
  std::string text;
  for (const auto& setting : *settings) text += setting.key + " = " + setting.value + "\n";
  EXPECT_EQ(error_of(text), "no error");
}

TEST_F(ConfigFile, NothingIsOnlyObservedUnlessThatIsWanted) {
  const auto config = load("");
  ASSERT_TRUE(config);
  EXPECT_TRUE(observing(*config).empty());
}

TEST_F(ConfigFile, EachServerIsObservedByItself) {
  for (const std::string section : {"exim", "opensmtpd", "socketmap"}) {
    const auto config = load("[" + section + "]\nobserve = true\n");
    ASSERT_TRUE(config);
    ASSERT_EQ(observing(*config).size(), 1U);
    EXPECT_EQ(observing(*config)[0].section, section);
    EXPECT_THAT(observing(*config)[0].note, testing::AllOf(HasSubstr("observing only: nothing is enforced"),
                                                           HasSubstr(section + ".observe = false")));
  }
}

TEST_F(ConfigFile, TheLogIsToldOfTheSectionsThatItsProgramServes) {
  const auto config = load("[exim]\nobserve = true\n[opensmtpd]\nobserve = true\n");
  ASSERT_TRUE(config);
  FakeLog log;
  warn_of_observing(log, *config, {"exim", "socketmap"});
  ASSERT_EQ(log.lines.size(), 1U);
  EXPECT_THAT(log.lines[0], StartsWith("warning event=observing section=exim detail=\"Exim: observing only: "));
}

}  // namespace
}  // namespace mtasts
