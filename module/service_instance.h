// What each server has of one configuration, beside what it answers: the service and the reports of TLS sessions.
#pragma once

#include <memory>

#include "module/service.h"
#include "module/tlsrpt/tlsrpt.h"

namespace mtasts {

// Servers derive their own from it, with what they build upon both.
struct ServiceInstance {
  // `collector`: of the process; nullptr: nothing is reported. The log is told when it takes nothing.
  ServiceInstance(std::unique_ptr<Service> opened, std::shared_ptr<TlsrptSocket> collector);

  std::unique_ptr<Service> service;
  std::unique_ptr<TlsReports> reports;  // nullptr: there is no collector
};

}  // namespace mtasts
