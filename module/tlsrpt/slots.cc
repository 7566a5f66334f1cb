#include "module/tlsrpt/slots.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>

#include "core/ascii.h"
#include "core/fnv1a.h"
#include "module/store/files.h"

namespace mtasts {
namespace {

constexpr const char* kFolder = ".tlsrpt";

constexpr std::chrono::hours kLeftAlone{24};

}  // namespace

std::string slot_of(std::string_view key, unsigned which) {
  const auto slot = static_cast<unsigned>((fnv1a_64(key) >> 16U * which) % kTlsrptSlots);
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

void remove_unfinished_slots(const std::string& store) {
  const Descriptor directory = open_directory(store);
  const Descriptor folder = directory ? open_shard(directory.get(), kFolder) : Descriptor();
  const auto names = folder ? names_in(folder.get()) : std::nullopt;
  if (!names) return;
  for (const std::string& name : *names)
    if (name.starts_with(kTemporary) && is_far_from_now(folder.get(), name, kLeftAlone))
      ::unlinkat(folder.get(), name.c_str(), 0);
}

}  // namespace mtasts
