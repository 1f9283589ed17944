#include "modules/lock/program_tokens.h"

#include <algorithm>
#include <cstdlib>
#include <string>

#include "core/simulation/wall_clock.h"

namespace weir {

namespace {

// Returns the folder for state; empty if the environment names no folder.
std::filesystem::path default_state_directory() {
    const auto variable = [](const char* name) {
        const char* const value = std::getenv(name);
        return std::string(value == nullptr ? "" : value);
    };
    if (const std::string state = variable("STATE_DIRECTORY"); !state.empty()) {
        return state.substr(0, state.find(':'));  // systemd lists all of the unit
    }
    const std::filesystem::path home = variable("XDG_STATE_HOME");
    if (home.is_absolute()) {  // the specification says to ignore relative paths
        return home / "weir";
    }
    if (const std::filesystem::path user = variable("HOME"); user.is_absolute()) {
        return user / ".local/state/weir";
    }
    return {};
}

}  // namespace

std::filesystem::path state_folder(const Scheduler& scheduler,
                                   const std::optional<std::filesystem::path>& state_dir) {
    if (state_dir) {
        return *state_dir;
    }
    return is_simulated(scheduler.poller()) ? std::filesystem::path() : default_state_directory();
}

std::unique_ptr<FencingTokens> program_tokens(
    Scheduler& scheduler, const std::optional<std::filesystem::path>& state_dir) {
    const std::int64_t now = wall_clock(scheduler.poller());
    FencingOptions options{.start = static_cast<std::uint64_t>(std::max<std::int64_t>(now, 1))};
    options.directory = state_folder(scheduler, state_dir);
    if (!state_dir && !is_simulated(scheduler.poller())) {
        // The settings do not name this folder: the program runs without it.
        options.on_failure = [&scheduler](const std::string& reason) {
            scheduler.log(LogLevel::warning,
                          reason +
                              "; fencing tokens grow across restarts as long as the clock is "
                              "not set back (module.lock.state_dir)");
        };
        if (options.directory.empty()) {
            options.on_failure(
                "fencing tokens: the environment names no folder for state "
                "(STATE_DIRECTORY, XDG_STATE_HOME, HOME)");
        }
    }
    return std::make_unique<FencingTokens>(std::move(options));
}

}  // namespace weir
