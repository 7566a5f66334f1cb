#include "module/store/delivery_events.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <iterator>
#include <sstream>

#include "core/domain.h"
#include "module/io/read_write.h"
#include "module/store/files.h"

namespace mtasts {
namespace {

constexpr const char* kFile = ".events";
constexpr const char* kOldFile = ".events.old";
constexpr std::array<std::string_view, 4> kServers{"exim", "opensmtpd", "postfix", "sendmail"};

// The value of ` key=` in a line; "": it is not there.
std::string_view value_of(std::string_view line, std::string_view key) {
  const std::size_t at = line.find(key);
  if (at == std::string_view::npos) return {};
  const std::string_view rest = line.substr(at + key.size());
  return rest.substr(0, rest.find(' '));
}

std::optional<DeliveryEvent> event_of(std::string_view name, std::string_view server, std::string_view domain) {
  const auto event = std::ranges::find(kDeliveryEvents, name);
  const auto known = std::ranges::find(kServers, server);
  const auto parsed = Domain::parse(domain);
  if (event == kDeliveryEvents.end() || known == kServers.end() || !parsed) return std::nullopt;
  return DeliveryEvent{*event, std::string(*known), parsed->text()};
}

std::optional<PastEvent> read_past_event(const std::string& line) {
  std::istringstream words(line);
  std::int64_t seconds = 0;
  std::string event;
  std::string server;
  std::string domain;
  if (!(words >> seconds >> event >> server >> domain)) return std::nullopt;
  auto what = event_of(event, server, domain);
  if (!what) return std::nullopt;
  return PastEvent{from_epoch(seconds), std::move(*what)};
}

// False: it cannot be read. That it is not there is nothing unusual.
bool append_past_events(int directory, const char* name, std::vector<PastEvent>& events) {
  const Descriptor file(::openat(directory, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (!file) return errno == ENOENT;
  struct stat status {};
  if (::fstat(file.get(), &status) != 0 || !S_ISREG(status.st_mode)) return false;
  std::string bytes(2 * DeliveryEventFile::kMaxBytes, '\0');
  if (!read_all(file.get(), bytes)) return false;
  std::ranges::move(parse_delivery_events(bytes), std::back_inserter(events));
  return true;
}

}  // namespace

std::optional<DeliveryEvent> read_delivery_event(std::string_view line, std::string_view server) {
  constexpr std::string_view kEvent = "event=";
  if (!line.starts_with(kEvent)) return std::nullopt;
  const std::string_view name = value_of(line, kEvent);
  const std::string_view fields = line.substr(0, line.find('"'));  // what is quoted is text
  const std::string_view named = value_of(fields, " server=");
  return event_of(name, named.empty() ? server : named, value_of(fields, " domain="));
}

std::string delivery_event_line(const PastEvent& event) {
  return std::to_string(event.time.time_since_epoch().count()) + " " + std::string(event.what.event) + " " +
         event.what.server + " " + event.what.domain + "\n";
}

std::vector<PastEvent> parse_delivery_events(const std::string& text) {
  std::vector<PastEvent> events;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (auto past = read_past_event(line)) events.push_back(std::move(*past));
  }
  return events;
}

void DeliveryEventFile::add(const DeliveryEvent& event, WallTime now) const {
  const auto directory = open_directory(directory_);
  if (!directory) return;
  const auto file = open_own(directory.get(), kFile);
  struct stat status {};
  if (!file || ::fstat(file.get(), &status) != 0 || ::fcntl(file.get(), F_SETFL, O_APPEND) != 0) return;
  const std::string line = delivery_event_line({now, event});
  if (!write_all(file.get(), line)) return;
  if (static_cast<std::size_t>(status.st_size) + line.size() > kMaxBytes)
    ::renameat(directory.get(), kFile, directory.get(), kOldFile);
}

std::optional<std::vector<PastEvent>> past_delivery_events(const std::string& directory) {
  const auto opened = open_directory(directory);
  if (!opened) return errno == ENOENT ? std::optional(std::vector<PastEvent>()) : std::nullopt;
  std::vector<PastEvent> events;
  const bool is_read =
      append_past_events(opened.get(), kOldFile, events) && append_past_events(opened.get(), kFile, events);
  if (!is_read) return std::nullopt;
  std::ranges::stable_sort(events, {}, &PastEvent::time);
  return events;
}

}  // namespace mtasts
