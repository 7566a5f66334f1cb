// Server blocks for nginx, Caddy and Apache that serve the policy files and nothing else. Pure.
#pragma once

#include <string>
#include <vector>

#include "core/domain.h"
#include "core/result.h"

namespace mtasts::publish {

struct Site {
  Domain domain;
  std::vector<Domain> aliases{};
};

struct Paths {
  std::string root;          // the web tree, absolute
  std::string certificates;  // DIR/mta-sts.DOMAIN/fullchain.pem, privkey.pem; empty: as certbot has them, and Caddy
                             // gets its own
};

struct Snippet {
  std::string file;      // "nginx.conf", "Caddyfile", "apache.conf"
  std::string preamble;  // before the blocks
  std::vector<std::string> blocks{};

  [[nodiscard]] std::string text() const;
};

// Error kConfig: a path cannot be written in all three languages.
Result<void> check_paths(const Paths& paths);
std::vector<Snippet> snippets(const std::vector<Site>& sites, const Paths& paths);

}  // namespace mtasts::publish
