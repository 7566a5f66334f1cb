// A question on its way through the resolver: what is asked, how often it was tried, what came of it and who waits.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/ports.h"
#include "core/result.h"
#include "dns/reply.h"

struct getdns_dict;

namespace mtasts {

class Question {
 public:
  Question(std::string name, RrType type, Requester requester)
      : name_(std::move(name)), type_(type), requester_(std::move(requester)) {}
  virtual ~Question() = default;
  Question(const Question&) = delete;
  Question& operator=(const Question&) = delete;

  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] RrType type() const { return type_; }
  [[nodiscard]] const Requester& requester() const { return requester_; }

  // Reads a reply. An error: it is no certain answer, another resolver may do better.
  virtual Result<void> read(const getdns_dict* reply) = 0;
  // Does the reply that was read have AD?
  [[nodiscard]] virtual bool is_authenticated() const = 0;
  // The end: calls back with the answer read, or with the error.
  virtual void answer(bool trust_ad) = 0;
  virtual void give_up(Error error) = 0;

  std::vector<const void*> asked;  // the servers that it was put to, in order

 private:
  std::string name_;
  RrType type_;
  Requester requester_;
};

template <typename Record>
class QuestionFor final : public Question {
 public:
  using Done = Resolver::Callback<Record>;
  using Read = std::function<Result<DnsAnswer<Record>>(const getdns_dict*, const std::string&)>;

  QuestionFor(std::string name, RrType type, Requester requester, Read read, Done done)
      : Question(std::move(name), type, std::move(requester)), read_(std::move(read)), done_(std::move(done)) {}

  Result<void> read(const getdns_dict* reply) override {
    auto answer = read_(reply, name());
    if (!answer) return tl::unexpected(answer.error());
    answer_ = std::move(*answer);
    return {};
  }
  [[nodiscard]] bool is_authenticated() const override { return answer_.authenticated; }
  void answer(bool trust_ad) override {
    answer_.authenticated = answer_.authenticated && trust_ad;
    done_(std::move(answer_));
  }
  void give_up(Error error) override { done_(tl::unexpected(std::move(error))); }

 private:
  Read read_;
  Done done_;
  DnsAnswer<Record> answer_;
};

}  // namespace mtasts
