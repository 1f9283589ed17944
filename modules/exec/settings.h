#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "config/settings/settings.h"

// The settings at module.exec, as an app file has them.
namespace weir::exec {

// What becomes of each line that a command writes, while it runs.
enum class Lines { none, text, json };

inline config::EnumNames<Lines> names_of(Lines) {
    return {{"none", Lines::none}, {"text", Lines::text}, {"json", Lines::json}};
}

struct CommandSettings {
    std::string description;
    std::vector<std::string> command;
    bool arguments = false;
    std::map<std::string, std::optional<std::string>> environment;
    bool clear_environment = false;
    std::string folder;
    std::optional<std::string> user;
    std::chrono::milliseconds timeout = std::chrono::minutes(1);
    std::chrono::milliseconds patience = std::chrono::seconds(2);
    config::ByteSize output = config::kibibytes(64);
    std::optional<config::ByteSize> memory;
    std::uint32_t at_once = 1;
    Lines lines = Lines::none;

    static config::Settings<CommandSettings> describe();
};

struct ExecSettings {
    std::map<std::string, CommandSettings> commands;

    static config::Settings<ExecSettings> describe();
};

// Returns the program with its arguments that a command runs: with its limit of memory, and as
// another user if it names one. Throws std::invalid_argument if there is no such user.
std::vector<std::string> command_line(const CommandSettings& settings);

}  // namespace weir::exec
