#include "core/admission_queue.h"

#include <algorithm>

namespace mtasts {
namespace {

bool has(const AdmissionQueue::Request& request, const AdmissionQueue::Group& group) {
  return std::ranges::find(request.groups, group.name, &AdmissionQueue::Group::name) != request.groups.end();
}

}  // namespace

AdmissionQueue::Ticket AdmissionQueue::join(Request request, SteadyTime expires) {
  const Ticket ticket = ++last_ticket_;
  const LineKey key{request.zone, request.priority};
  auto [line, is_new] = zones_.try_emplace(key);
  line->second.tickets.push_back(ticket);
  if (is_new) to_the_end(key, line->second);
  expiries_.emplace(expires, ticket);
  waiting_.emplace(ticket, Waiting{std::move(request), expires});
  return ticket;
}

std::optional<AdmissionQueue::Ticket> AdmissionQueue::next(std::size_t places) {
  const auto found = find_next(places);
  if (found == lines_.end()) return std::nullopt;
  const LineKey key = found->second;
  const Ticket ticket = zones_.at(key).tickets.front();
  Request request = remove(ticket);
  count(request);
  under_way_.emplace(ticket, std::move(request));
  if (const auto line = zones_.find(key); line != zones_.end()) to_the_end(key, line->second);
  return ticket;
}

void AdmissionQueue::leave(Ticket ticket) {
  const auto left = under_way_.extract(ticket);
  if (!left.empty()) discount(left.mapped());
}

// As if it left and came back; what it has already it keeps, also where others have filled the group since.
bool AdmissionQueue::regroup(Ticket ticket, const std::vector<Group>& groups, std::size_t places) {
  auto node = under_way_.extract(ticket);
  Request& request = node.mapped();
  discount(request);
  const std::size_t room = this->room(request.priority, places);
  const bool fits = std::ranges::all_of(groups, [&](const Group& group) {
    return has(request, group) || under_way(group.name) < std::min(group.most, room);
  });
  if (fits) request.groups = groups;
  count(request);
  under_way_.insert(std::move(node));
  return fits;
}

std::vector<AdmissionQueue::Ticket> AdmissionQueue::expire(SteadyTime now) {
  std::vector<Ticket> expired;
  while (!expiries_.empty() && expiries_.begin()->first <= now) {
    expired.push_back(expiries_.begin()->second);
    remove(expired.back());
  }
  return expired;
}

std::optional<SteadyTime> AdmissionQueue::next_expiry() const {
  if (expiries_.empty()) return std::nullopt;
  return expiries_.begin()->first;
}

std::vector<AdmissionQueue::Ticket> AdmissionQueue::dismiss() { return expire(SteadyTime::max()); }

AdmissionQueue::Lines::const_iterator AdmissionQueue::find_next(std::size_t places) const {
  if (room(Priority::kFirstContact, places) == 0) return lines_.end();
  return std::ranges::find_if(lines_, [&](const auto& line) {
    return fits(waiting_.at(zones_.at(line.second).tickets.front()).request, places);
  });
}

std::size_t AdmissionQueue::room(Priority priority, std::size_t places) const {
  const auto left_of = [](std::size_t all, std::size_t used) { return all > used ? all - used : 0; };
  const std::size_t free = left_of(places, under_way_.size());
  if (priority == Priority::kFirstContact) return free;
  const std::size_t share = left_of((places + 1) / 2, priority == Priority::kDane ? danes_ : others_);
  return std::min({free, share, left_of((3 * places + 3) / 4, danes_ + others_)});
}

std::size_t AdmissionQueue::under_way(const std::string& group) const {
  const auto found = groups_.find(group);
  return found == groups_.end() ? 0 : found->second;
}

bool AdmissionQueue::fits(const Request& request, std::size_t places) const {
  const std::size_t room = this->room(request.priority, places);
  return under_way(request.zone) < room && std::ranges::all_of(request.groups, [&](const Group& group) {
           return under_way(group.name) < std::min(group.most, room);
         });
}

void AdmissionQueue::count(const Request& request) {
  ++groups_[request.zone];
  for (const auto& group : request.groups) ++groups_[group.name];
  if (request.priority != Priority::kFirstContact) ++of_share(request.priority);
}

void AdmissionQueue::discount(const Request& request) {
  const auto one_less = [this](const std::string& name) {
    if (const auto group = groups_.find(name); --group->second == 0) groups_.erase(group);
  };
  one_less(request.zone);
  for (const auto& group : request.groups) one_less(group.name);
  if (request.priority != Priority::kFirstContact) --of_share(request.priority);
}

void AdmissionQueue::to_the_end(const LineKey& key, Line& line) {
  lines_.erase(line.turn);
  line.turn = ++last_turn_;
  lines_.emplace(line.turn, key);
}

AdmissionQueue::Request AdmissionQueue::remove(Ticket ticket) {
  auto node = waiting_.extract(ticket);
  expiries_.erase({node.mapped().expires, ticket});
  Request request = std::move(node.mapped().request);
  const auto line = zones_.find({request.zone, request.priority});
  auto& tickets = line->second.tickets;
  tickets.erase(std::ranges::find(tickets, ticket));
  if (tickets.empty()) {
    lines_.erase(line->second.turn);
    zones_.erase(line);
  }
  return request;
}

}  // namespace mtasts
