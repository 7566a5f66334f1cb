// What GnuTLS is told before it is loaded: the administrator's restrictions and ours (H1). Without them it is not used.
#include "module/helper/engine_library.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "tests/unit/module/file_size_limit.h"
#include "tests/unit/module/scratch.h"

namespace mtasts {
namespace {

using testing::AllOf;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

class EngineLibraryTest : public testing::Test {
 protected:
  EngineLibraryTest() { settings_.engines = MTASTS_TEST_ENGINE_DIR; }
  Result<EngineLibrary> load(TlsLibrary tls, const std::string& configuration) {
    settings_.tls = tls;
    return EngineLibrary::load(settings_, configuration);
  }
  // By the library that is loaded next.
  static std::string told() {
    const char* path = std::getenv("GNUTLS_SYSTEM_PRIORITY_FILE");
    std::ifstream file(path != nullptr ? path : "");
    return {std::istreambuf_iterator<char>(file), {}};
  }

  Scratch scratch_;
  HelperSettings settings_;
};

TEST_F(EngineLibraryTest, H1TheAdministratorsRestrictionsComeBeforeOurs) {
  const std::string own = "[overrides]\ninsecure-hash = sha1\n";
  const std::string path = scratch_.path() + "/config";
  std::ofstream(path) << own;
  const auto engine = load(TlsLibrary::kGnuTls, path);
  ASSERT_TRUE(engine) << engine.error().detail;
  EXPECT_THAT(told(), AllOf(StartsWith(own + "\n[overrides]\n"), EndsWith("tls-disabled-group = group-ffdhe8192\n")));
}

TEST_F(EngineLibraryTest, H1WithoutAConfigurationOfGnuTlsOursAlonePasses) {
  for (const char* path : {"/missing", "/missing/config"}) {
    const auto engine = load(TlsLibrary::kGnuTls, scratch_.path() + path);
    ASSERT_TRUE(engine) << engine.error().detail;
    EXPECT_THAT(told(), StartsWith("\n[overrides]\ntls-disabled-kx = dhe-rsa\n"));
  }
}

// It may forbid more than ours does.
TEST_F(EngineLibraryTest, H1AConfigurationOfGnuTlsThatCannotBeReadIsAFaultHere) {
  const std::string loop = scratch_.path() + "/loop";
  const std::string folder = scratch_.path() + "/folder";
  const std::string large = scratch_.path() + "/large";
  std::filesystem::create_symlink("loop", loop);
  std::filesystem::create_directory(folder);
  std::ofstream(large) << std::string(256 * 1024 + 1, '#');
  for (const std::string& path : {loop, folder, large}) {
    const auto engine = load(TlsLibrary::kGnuTls, path);
    ASSERT_FALSE(engine) << path;
    EXPECT_EQ(engine.error().code, ErrorCode::kLocalFault);
    EXPECT_THAT(engine.error().detail, HasSubstr(path + " cannot be read by uid "));
    EXPECT_TRUE(load(TlsLibrary::kOpenSsl, path)) << "it does not read that file";
    EXPECT_TRUE(load(TlsLibrary::kAuto, path)) << "it takes OpenSSL";
  }
  settings_.engines = scratch_.path() + "/engines";
  std::filesystem::create_directory(settings_.engines);
  std::filesystem::create_symlink(MTASTS_TEST_ENGINE_DIR "/engine-gnutls.so", settings_.engines + "/engine-gnutls.so");
  const auto engine = load(TlsLibrary::kAuto, loop);
  ASSERT_FALSE(engine) << "GnuTLS's is the only one here";
  EXPECT_THAT(engine.error().detail, AllOf(HasSubstr(loop), Not(HasSubstr("engine-openssl.so"))));
}

TEST_F(EngineLibraryTest, H1RestrictionsThatGnuTlsCannotBeGivenAreAFaultHere) {
  const FileSizeLimit full(0);
  const auto engine = load(TlsLibrary::kGnuTls, scratch_.path() + "/missing");
  ASSERT_FALSE(engine);
  EXPECT_EQ(engine.error().code, ErrorCode::kLocalFault);
  EXPECT_THAT(engine.error().detail, HasSubstr("they cannot be written to memory: File too large"));
  EXPECT_TRUE(load(TlsLibrary::kOpenSsl, scratch_.path() + "/missing"));
}

TEST_F(EngineLibraryTest, AMissingEngineIsNamedFirst) {
  settings_.engines = scratch_.path();
  const auto engine = load(TlsLibrary::kAuto, scratch_.path());
  ASSERT_FALSE(engine);
  EXPECT_THAT(engine.error().detail, AllOf(HasSubstr("engine-openssl.so"),
                                           HasSubstr("install mtasts-engine-openssl or mtasts-engine-gnutls")));
}

}  // namespace
}  // namespace mtasts
