// Runs of publish() for one domain, with folders of their own.
#pragma once

#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "adapters/cli/publish/state.h"
#include "tests/unit/module/scratch.h"
#include "tests/unit/publish/internet.h"

namespace mtasts::publish {

class PublishRun : public testing::Test {
 protected:
  PublishRun() {
    options_.list = scratch_.path() + "/domains.toml";
    options_.root = root_;
    options_.state = scratch_.path() + "/state";
    options_.out = scratch_.path() + "/out";
    write_list(list_);
  }

  void write_list(const std::string& text) { std::ofstream(options_.list) << text; }
  int run() {
    out_.str("");
    err_.str("");
    const Observe observe = [this](const std::vector<Domain>& names) { return internet_.observe(names); };
    return publish(options_, observe, now_, {out_, err_});
  }
  int run_apply() {
    options_.apply = true;
    const int code = run();
    options_.apply = false;
    return code;
  }
  State state() { return parse_state(internet_.read(options_.state + "/state").value()).value(); }
  DomainState state_of(const std::string& name) { return state().at(name); }
  void publish_record() {
    internet_["example.com"].txt = {"v=STSv1; id=" + state_of("example.com").id + ";"};
    internet_["example.com"].tlsrpt = {"v=TLSRPTv1; rua=mailto:tls@example.com"};
  }
  // File and records are there, and were seen.
  void publish_all() {
    ASSERT_EQ(run_apply(), kDone) << err_.str();
    publish_record();
    ASSERT_EQ(run_apply(), kDone) << err_.str();
  }
  std::string zone(const std::string& name) {
    return internet_.read(options_.out + "/zone/" + name + ".zone").value_or("");
  }
  std::string script(const std::string& name) {
    return internet_.read(options_.out + "/nsupdate/" + name + ".txt").value_or("");
  }
  nlohmann::json json_domain() {
    const auto promote = std::exchange(options_.promote, "");
    options_.json = true;
    run();
    options_.json = false;
    options_.promote = promote;
    return nlohmann::json::parse(out_.str()).at("domains").at(0);
  }

  Scratch scratch_;
  std::string root_ = scratch_.path() + "/www";
  std::string list_ =
      "[[domain]]\nname = \"example.com\"\nmx = [\"mx1.example.com\"]\nrua = \"mailto:tls@example.com\"\n"
      "address = [\"192.0.2.1\"]\n";
  Internet internet_{root_};
  Options options_;
  WallTime now_{std::chrono::sys_days(std::chrono::year(2026) / 1 / 1)};
  std::ostringstream out_;
  std::ostringstream err_;
};

}  // namespace mtasts::publish
