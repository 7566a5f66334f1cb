// Who is next where places are few, such as fetches or DNS questions at a time. Strangers decide how long their hosts
// and name servers keep a place, so what they have under way must not fill all places. Pure: time is an argument, what
// is admitted are tickets.
//
// Each request belongs to groups: its zone, and the networks that it goes to. One more of a group is admitted only
// while the group has fewer under way than are free. So one group alone gets half of the places, ten groups leave one
// in eleven free, and a group that has nothing under way finds a place where two are free. DANE gets half of
// the places, and so does the rest of what is not a first contact; both together get three quarters. Of these shares
// the rule above counts what is free.
//
// Zones take turns: a zone with a thousand requests waiting delays another one by one place.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "core/requester.h"
#include "core/time.h"

namespace mtasts {

class AdmissionQueue {
 public:
  using Ticket = std::uint64_t;

  struct Group {
    std::string name;
    std::size_t most;  // that may be under way, whatever is free
  };
  struct Request {
    std::string zone;  // a group as well
    Priority priority = Priority::kFirstContact;
    std::vector<Group> groups{};  // others than the zone, each once
  };

  Ticket join(Request request, SteadyTime expires);
  // The next one that fits into `places`; from now on it is under way until leave().
  std::optional<Ticket> next(std::size_t places);
  [[nodiscard]] bool has_next(std::size_t places) const { return find_next(places) != lines_.end(); }
  void leave(Ticket ticket);
  // What is under way turns to other groups. False: one of them has no room; then nothing changes.
  bool regroup(Ticket ticket, const std::vector<Group>& groups, std::size_t places);

  // Those that wait and have expired, the earliest first; they are gone with this.
  std::vector<Ticket> expire(SteadyTime now);
  // When the first of those that wait expires.
  [[nodiscard]] std::optional<SteadyTime> next_expiry() const;
  // All that wait, in the order of their expiry; they are gone with this.
  std::vector<Ticket> dismiss();

  [[nodiscard]] bool has_waiting() const { return !waiting_.empty(); }

 private:
  // Those of one zone and priority that wait, first come, first served.
  struct Line {
    std::uint64_t turn = 0;
    std::deque<Ticket> tickets{};
  };
  using LineKey = std::pair<std::string, Priority>;
  using Lines = std::map<std::uint64_t, LineKey>;  // by whose turn it is
  struct Waiting {
    Request request;
    SteadyTime expires;
  };

  [[nodiscard]] Lines::const_iterator find_next(std::size_t places) const;
  [[nodiscard]] std::size_t room(Priority priority, std::size_t places) const;
  std::size_t& of_share(Priority priority) { return priority == Priority::kDane ? danes_ : others_; }
  [[nodiscard]] std::size_t under_way(const std::string& group) const;
  [[nodiscard]] bool fits(const Request& request, std::size_t places) const;
  void count(const Request& request);
  void discount(const Request& request);
  void to_the_end(const LineKey& key, Line& line);
  // No longer waiting.
  Request remove(Ticket ticket);

  Ticket last_ticket_ = 0;
  std::uint64_t last_turn_ = 0;
  std::map<Ticket, Waiting> waiting_;
  std::set<std::pair<SteadyTime, Ticket>> expiries_;  // of waiting_
  std::map<LineKey, Line> zones_;                     // those with somebody waiting
  Lines lines_;                                       // of zones_
  std::map<Ticket, Request> under_way_;
  std::map<std::string, std::size_t> groups_;  // how many are under way
  std::size_t danes_ = 0;                      // under way
  std::size_t others_ = 0;
};

}  // namespace mtasts
