#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "config/settings/settings.h"

// Parameters and results of the module `limit`.
namespace weir::limit {

struct TakeParameters {
    std::string limit;
    std::string key;
    std::uint32_t tokens = 1;
    int priority = 5;
    std::optional<std::chrono::milliseconds> wait;

    static config::Settings<TakeParameters> describe();
};

struct TakeResult {
    std::string ticket;
    std::chrono::milliseconds waited{};

    static config::Settings<TakeResult> describe();
};

struct GiveBackParameters {
    std::string ticket;

    static config::Settings<GiveBackParameters> describe();
};

struct KeysParameters {
    std::string limit;
    std::string pattern = "*";
    std::uint32_t most = 100;

    static config::Settings<KeysParameters> describe();
};

struct KeyInfo {
    std::string key;
    std::size_t in_use = 0;
    std::size_t waiting = 0;
    std::optional<double> tokens;

    static config::Settings<KeyInfo> describe();
};

struct LimitInfo {
    std::string name;
    std::string description;
    std::size_t keys = 0;
    std::size_t in_use = 0;
    std::size_t waiting = 0;
    std::uint64_t taken = 0;
    std::uint64_t refused = 0;

    static config::Settings<LimitInfo> describe();
};

}  // namespace weir::limit
