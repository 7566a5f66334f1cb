#include "module/tlsrpt/slots.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "core/ascii.h"
#include "core/fnv1a.h"
#include "module/store/files.h"

namespace mtasts {
namespace {

constexpr const char* kFolder = ".tlsrpt";

}  // namespace

std::string slot_of(std::string_view key) {
  const unsigned slot = fnv1a_32(key) % kTlsrptSlots;
  return {ascii::hex_digit(slot >> 8U), ascii::hex_digit(slot >> 4U), ascii::hex_digit(slot)};
}

std::optional<std::string> read_slot(const std::string& store, const std::string& name, std::size_t most) {
  const Descriptor directory = open_directory(store);
  const Descriptor file = directory ? open_below(directory.get(), kFolder, name, O_RDONLY) : Descriptor();
  struct stat status {};
  if (!file || ::fstat(file.get(), &status) != 0 || !S_ISREG(status.st_mode)) return std::nullopt;
  std::string text(most + 1, '\0');
  if (!read_all(file.get(), text) || text.size() > most) return std::nullopt;
  return text;
}

void write_slot(const std::string& store, const std::string& name, std::string_view text) {
  const Descriptor directory = open_directory(store);
  const Descriptor folder = directory ? open_or_make_shard(directory.get(), kFolder) : Descriptor();
  if (folder) replace_file(folder.get(), name, text);
}

}  // namespace mtasts
