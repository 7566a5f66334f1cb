// The keys of the JSON, held against the table of docs/check.md.
#include "adapters/cli/check/json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <regex>

#include "tests/unit/check/facts.h"

namespace mtasts::check {
namespace {

using Json = nlohmann::ordered_json;
using Keys = std::vector<std::string>;

std::string section_of_the_guide() {
  std::ifstream file(MTASTS_SOURCE_DIR "/docs/check.md");
  const std::string guide{std::istreambuf_iterator<char>(file), {}};
  const std::size_t start = guide.find("\n## JSON\n");
  return start == std::string::npos ? "" : guide.substr(start, guide.find("\n## ", start + 1) - start);
}

Keys in_backticks(const std::string& text) {
  static const std::regex kKey("`([a-z_0-9]+(?:\\[\\])?)`");
  Keys keys;
  for (std::sregex_iterator found(text.begin(), text.end(), kKey), end; found != end; ++found)
    keys.push_back((*found)[1]);
  return keys;
}

// "`a`, `b` (`value`), `c[]` with `d`" below "x": x.a, x.b, x.c[], x.c[].d; a certificate has the keys of its own.
Keys below(const std::string& key, const std::string& text, const Keys& of_certificate) {
  static const std::regex kValues("\\([^)]*\\)");
  const std::string plain = std::regex_replace(text, kValues, "");
  const std::size_t with = std::min(plain.find(" with "), plain.size());
  Keys keys;
  std::string parent = key;
  for (const auto& part : {plain.substr(0, with), plain.substr(with)}) {
    for (const std::string& found : in_backticks(part)) {
      const std::string path = parent + "." + found;
      keys.push_back(path);
      if (found == "certificate")
        for (const auto& inner : of_certificate) keys.push_back(path + "." + inner);
    }
    if (!keys.empty()) parent = keys.back();
  }
  return keys;
}

Keys keys_of_the_guide() {
  static const std::regex kRow("\\| (`[^|]*`) \\| ([^|]*) \\|");
  static const std::regex kCertificate("A `certificate` is null or has ([^\n]*)");
  const std::string guide = section_of_the_guide();
  std::smatch certificate;
  if (!std::regex_search(guide, certificate, kCertificate)) return {};
  const Keys of_certificate = in_backticks(certificate[1]);
  Keys keys;
  for (std::sregex_iterator row(guide.begin(), guide.end(), kRow), end; row != end; ++row) {
    const Keys names = in_backticks((*row)[1]);
    keys.insert(keys.end(), names.begin(), names.end());
    if (names.size() > 1) continue;  // simple values; what is in backticks are those
    const Keys inner = below(names.front(), (*row)[2], of_certificate);
    keys.insert(keys.end(), inner.begin(), inner.end());
  }
  return keys;
}

// In their order; an array has what its first element has.
void add_keys(const Json& object, const std::string& prefix, Keys& keys) {
  for (const auto& [key, value] : object.items()) {
    keys.push_back(prefix + key + (value.is_array() ? "[]" : ""));
    const Json& inner = value.is_array() && !value.empty() ? value.front() : value;
    const std::string path = keys.back() + ".";
    if (inner.is_object()) add_keys(inner, path, keys);
  }
}

TEST(CheckJson, HasEveryKeyOfTheGuideInItsOrderAndNoOther) {
  Facts facts = good_facts();
  facts.record_servers = {{"ns.example.com", "192.0.2.53", found({"v=STSv1; id=20251101T1"})}};
  facts.tlsrpt = no_data();
  Keys keys;
  add_keys(Json::parse(to_json(judge(facts, nullptr, {}))), "", keys);
  const Keys wanted = keys_of_the_guide();
  EXPECT_THAT(wanted, testing::IsSupersetOf({"schema", "record.nameservers[].texts[]",
                                             "policy_host[].certificate.names[]", "mx[].addresses[].certificate.error",
                                             "mx[].addresses[].error", "findings[].rfc"}));
  EXPECT_EQ(keys, wanted);
}

}  // namespace
}  // namespace mtasts::check
