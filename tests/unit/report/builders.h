// Reports and their wrappings, good ones by default.
#pragma once

#include <zlib.h>

#include <string>
#include <string_view>

namespace mtasts::report {

struct ReportText {
  std::string organization = "\"Sender Inc.\"";
  std::string id = "\"2026-01-31@sender.example\"";
  std::string start = "\"2026-01-31T00:00:00Z\"";
  std::string end = "\"2026-01-31T23:59:59Z\"";
  std::string type = "\"sts\"";
  std::string domain = "\"our.example\"";
  std::string successful = "5326";
  std::string failed = "303";
  std::string result_type = "\"certificate-expired\"";
  std::string sessions = "300";
  std::string more = "";  // members of the report, each with a comma after it
};

inline std::string json_of(const ReportText& text) {
  return "{" + text.more + R"("organization-name": )" + text.organization + R"(, "date-range": {"start-datetime": )" +
         text.start + R"(, "end-datetime": )" + text.end + R"(}, "contact-info": "tls@sender.example", "report-id": )" +
         text.id + R"(, "policies": [{"policy": {"policy-type": )" + text.type +
         R"(, "policy-string": ["version: STSv1", "mode: testing"], "policy-domain": )" + text.domain +
         R"(, "mx-host": ["*.our.example"]}, "summary": {"total-successful-session-count": )" + text.successful +
         R"(, "total-failure-session-count": )" + text.failed + R"(}, "failure-details": [{"result-type": )" +
         text.result_type +
         R"(, "sending-mta-ip": "2001:db8::1", "receiving-mx-hostname": "mx1.our.example", "receiving-ip": null, )" +
         R"("failed-session-count": )" + text.sessions + "}]}]}";
}

inline std::string gzipped(std::string_view bytes) {
  z_stream stream{};
  constexpr int kGzip = 16;
  ::deflateInit2(&stream, Z_BEST_SPEED, Z_DEFLATED, MAX_WBITS + kGzip, 8, Z_DEFAULT_STRATEGY);
  std::string out(::deflateBound(&stream, bytes.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  ::deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  ::deflateEnd(&stream);
  return out;
}

inline std::string base64(std::string_view bytes) {
  constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (std::size_t at = 0; at < bytes.size(); at += 3) {
    unsigned bits = 0;
    for (std::size_t i = 0; i < 3; ++i)
      bits = bits << 8U | (at + i < bytes.size() ? static_cast<unsigned char>(bytes[at + i]) : 0U);
    for (std::size_t i = 0; i < 4; ++i) out += at + i > bytes.size() ? '=' : kDigits[bits >> (18 - 6 * i) & 0x3fU];
    if (at % 57 == 54) out += "\r\n";
  }
  return out;
}

// As RFC 8460 §5.3 has it. `encoded` is the attachment as it stands in the mail.
inline std::string mail_with(const std::string& encoded, const std::string& type = "application/tlsrpt+gzip",
                             const std::string& encoding = "base64") {
  return "Received: from mail.sender.example\r\n\tby mx1.our.example; Sun, 1 Feb 2026 00:10:00 +0000\r\n"
         "From: tls@sender.example\r\nTLS-Report-Domain: our.example\r\n"
         "Content-Type: multipart/report; report-type=\"tlsrpt\";\r\n\tboundary=\"----=_x.1\"\r\n\r\n"
         "This is a multipart message.\r\n"
         "------=_x.1\r\nContent-Type: text/plain; charset=\"us-ascii\"\r\n\r\nA TLS report.\r\n\r\n"
         "------=_x.1\r\nContent-Type: " +
         type + "\r\nContent-Transfer-Encoding: " + encoding +
         "\r\nContent-Disposition: attachment;\r\n filename=\"sender.example!our.example!1!2.json.gz\"\r\n\r\n" +
         encoded + "\r\n------=_x.1--\r\n";
}

}  // namespace mtasts::report
