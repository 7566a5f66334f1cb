// Runs a fuzzer's entry point once over each file of its corpus: fuzzers stay honest where there is no libFuzzer.
// All of them are in this one program, each entry point by the name of its fuzzer (CMakeLists.txt).
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <string>
#include <vector>

using Entry = int (*)(const std::uint8_t* data, std::size_t size);

#define FUZZER(name) extern "C" int name##_fuzz(const std::uint8_t* data, std::size_t size);
#include "fuzzers.inc"
#undef FUZZER

namespace {

const std::map<std::string, Entry>& fuzzers() {
#define FUZZER(name) {#name, name##_fuzz},
  static const std::map<std::string, Entry> all = {
#include "fuzzers.inc"
  };
#undef FUZZER
  return all;
}

}  // namespace

int main(int argc, char** argv) {
  const auto fuzzer = argc == 3 ? fuzzers().find(argv[1]) : fuzzers().end();
  if (fuzzer == fuzzers().end()) {
    std::fprintf(stderr, "usage: %s FUZZER CORPUS-DIRECTORY\n", argv[0]);
    return 64;
  }
  unsigned long files = 0;
  for (const auto& file : std::filesystem::directory_iterator(argv[2])) {
    std::ifstream in(file.path(), std::ios::binary);
    const std::vector<char> bytes{std::istreambuf_iterator<char>(in), {}};
    std::printf("%s\n", file.path().filename().c_str());
    std::fflush(stdout);  // names the culprit when the next line does not return
    fuzzer->second(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
    ++files;
  }
  std::printf("%lu inputs replayed\n", files);
  return files == 0 ? 1 : 0;
}
