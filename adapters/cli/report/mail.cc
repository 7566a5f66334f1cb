#include "adapters/cli/report/mail.h"

#include "adapters/cli/report/header.h"
#include "adapters/cli/report/transfer_encoding.h"
#include "core/ascii.h"

namespace mtasts::report {
namespace {

constexpr std::size_t kMaxDepth = 10;
constexpr std::size_t kMaxParts = 1000;
constexpr std::size_t kMaxBoundary = 70;  // RFC 2046 §5.1.1

// "application/tlsrpt+gzip" and "+json" are reports by their type, others by type and name.
bool is_report(const Parameterized& type, const Parameterized& disposition) {
  if (type.value.starts_with("application/tlsrpt")) return true;
  std::string name = ascii::lower(disposition.parameter("filename"));
  if (name.empty()) name = ascii::lower(type.parameter("name"));
  const bool is_named_so = name.ends_with(".json") || name.ends_with(".json.gz");
  if (type.value == "application/gzip" || type.value == "application/x-gzip") return name.empty() || is_named_so;
  return (type.value == "application/json" || type.value == "application/octet-stream") && is_named_so;
}

// A line of dashes and the boundary.
enum class Delimiter { kNone, kNext, kLast };
Delimiter delimiter(std::string_view line, std::string_view boundary) {
  if (!line.starts_with("--") || !line.substr(2).starts_with(boundary)) return Delimiter::kNone;
  line.remove_prefix(2 + boundary.size());
  const bool is_last = line.starts_with("--");
  if (is_last) line.remove_prefix(2);
  if (line.find_first_not_of(" \t\r\n") != std::string_view::npos) return Delimiter::kNone;
  return is_last ? Delimiter::kLast : Delimiter::kNext;
}

// The line end before a delimiter belongs to it.
std::string_view without_line_end(std::string_view body) {
  if (body.ends_with('\n')) body.remove_suffix(1);
  if (body.ends_with('\r')) body.remove_suffix(1);
  return body;
}

class Finder {
 public:
  Read<void> look_into(std::string_view entity, std::size_t depth) {
    if (depth > kMaxDepth) return refuse("the mail has parts within parts, more than ten deep");
    if (++parts_ > kMaxParts) return refuse("the mail has more than 1000 parts");
    const auto header = Header::take(entity);
    if (!header) return tl::unexpected(header.error());
    const Parameterized type = parse_parameterized(header->field("content-type").value_or("text/plain"));
    announced_ = announced_ || ascii::lower(type.parameter("report-type")) == "tlsrpt" ||
                 header->field("tls-report-domain").has_value();
    if (type.value.starts_with("multipart/")) return split(entity, type.parameter("boundary"), depth);
    const std::string encoding = ascii::lower(header->field("content-transfer-encoding").value_or(""));
    if (type.value == "message/rfc822" || type.value == "message/global") return forwarded(entity, encoding, depth);
    if (!is_report(type, parse_parameterized(header->field("content-disposition").value_or("")))) return {};
    return decode_transfer(entity, encoding).map([this](std::string bytes) { found_.push_back(std::move(bytes)); });
  }

  Read<std::vector<std::string>> result() {
    if (!found_.empty()) return std::move(found_);
    if (announced_) return refuse("the mail announces a report, but none is attached");
    return refuse("the mail has no report attached", Refusal::Kind::kOtherSubject);
  }

 private:
  Read<void> forwarded(std::string_view mail, const std::string& encoding, std::size_t depth) {
    if (encoding != "base64" && encoding != "quoted-printable") return look_into(mail, depth + 1);
    const auto decoded = decode_transfer(mail, encoding);
    if (!decoded) return tl::unexpected(decoded.error());
    return look_into(*decoded, depth + 1);
  }

  Read<void> split(std::string_view body, const std::string& boundary, std::size_t depth) {
    if (boundary.empty() || boundary.size() > kMaxBoundary) return refuse("the mail has parts without a boundary");
    bool is_inside = false;  // what comes before the first delimiter is for old mail programs
    std::size_t begin = 0;
    for (std::size_t at = 0; at < body.size();) {
      const std::size_t end = std::min(body.find('\n', at), body.size() - 1) + 1;
      const Delimiter found = delimiter(body.substr(at, end - at), boundary);
      if (found != Delimiter::kNone && is_inside) {
        const auto read = look_into(without_line_end(body.substr(begin, at - begin)), depth + 1);
        if (!read) return read;
      }
      if (found == Delimiter::kLast) return is_inside ? Read<void>() : refuse("the mail has no parts");
      if (found == Delimiter::kNext) {
        is_inside = true;
        begin = end;
      }
      at = end;
    }
    return refuse("the mail is cut off: its last boundary is missing");
  }

  std::size_t parts_ = 0;
  bool announced_ = false;
  std::vector<std::string> found_;
};

}  // namespace

Read<std::vector<std::string>> attached_reports(std::string_view mail) {
  // A pipe from a mail server begins with the envelope's sender.
  if (mail.starts_with("From ")) mail.remove_prefix(std::min(mail.find('\n'), mail.size() - 1) + 1);
  Finder finder;
  if (const auto read = finder.look_into(mail, 0); !read) return tl::unexpected(read.error());
  return finder.result();
}

}  // namespace mtasts::report
