#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "config/settings/settings.h"
#include "modules/limit/limit.h"

// The settings at module.limit, as an app file has them.
namespace weir::limit {

// Keys to which other numbers apply.
struct ExceptionSettings {
    std::string keys;
    std::optional<double> rate;
    std::optional<double> burst;
    std::optional<std::uint32_t> at_once;

    static config::Settings<ExceptionSettings> describe();
};

struct LimitSettings {
    std::string description;
    double rate = 0;
    std::chrono::milliseconds per = std::chrono::seconds(1);
    std::optional<double> burst;
    std::uint32_t at_once = 0;
    std::uint32_t in_all = 0;
    std::vector<ExceptionSettings> exceptions;
    std::chrono::milliseconds wait{};
    std::uint32_t waiting = 100;
    std::uint32_t waiting_in_all = 1000;
    std::uint32_t max_keys = 10'000;
    std::chrono::milliseconds hold = std::chrono::minutes(10);

    static config::Settings<LimitSettings> describe();

    LimitRules rules() const;
};

struct ModuleSettings {
    std::map<std::string, LimitSettings> limits;

    static config::Settings<ModuleSettings> describe();
};

}  // namespace weir::limit
