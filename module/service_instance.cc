#include "module/service_instance.h"

#include <utility>

#include "module/io/wall_clock.h"

namespace mtasts {
namespace {

std::unique_ptr<TlsReports> make_reports(Service& service, std::shared_ptr<TlsrptSocket> collector) {
  if (!collector) return nullptr;
  const Config& config = service.config();
  const TlsReports::Deps deps{service.resolver(),
                              service.store(),
                              config.cache_directory,
                              now,
                              std::chrono::steady_clock::now,
                              config.network.dns.max_in_flight};
  auto reports = std::make_unique<TlsReports>(deps, std::move(collector));
  reports->check_collector(TlsReports::When::kNow);
  return reports;
}

}  // namespace

ServiceInstance::ServiceInstance(std::unique_ptr<Service> opened, std::shared_ptr<TlsrptSocket> collector)
    : service(std::move(opened)), reports(make_reports(*service, std::move(collector))) {}

}  // namespace mtasts
