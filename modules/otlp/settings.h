#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>

#include "config/settings/settings.h"

namespace weir::otlp {

// The settings at module.otlp.
struct OtlpSettings {
    std::string collector = "http://127.0.0.1:4318/v1/traces";
    std::map<std::string, std::string> headers;
    std::string service_name = "weir";
    std::map<std::string, std::string> resource;
    double begin_share = 1;
    std::uint32_t max_spans = 5000;
    std::uint32_t batch = 500;
    std::chrono::milliseconds interval = std::chrono::seconds(5);
    std::chrono::milliseconds timeout = std::chrono::seconds(10);

    static config::Settings<OtlpSettings> describe();
};

}  // namespace weir::otlp
