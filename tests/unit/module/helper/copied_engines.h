// Engine libraries where the helper's user, too, can read them: the build may lie below /root.
#pragma once

#include <sys/stat.h>

#include <filesystem>
#include <string>

namespace mtasts::test {

// In the place of what lies in `to`. Helpers that run have the old ones mapped.
inline void copy_engines(const std::string& from, const std::string& to) {
  std::filesystem::create_directories(to);
  ::chmod(to.c_str(), 0755);
  for (const char* name : {"/engine-openssl.so", "/engine-gnutls.so"}) {
    std::filesystem::remove(to + name);
    std::filesystem::copy_file(from + name, to + name);
    ::chmod((to + name).c_str(), 0755);
  }
}

}  // namespace mtasts::test
