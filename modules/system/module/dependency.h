#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace weir {

/// The version of a module's API.
struct ApiVersion {
    std::uint32_t major = 1;  ///< grows when callers have to change
    std::uint32_t minor = 0;  ///< grows when there are more functions, parameters or results

    /// Returns whether callers that were written for `least` can use this version.
    bool satisfies(const ApiVersion& least) const noexcept {
        return major == least.major && minor >= least.minor;
    }
    bool operator==(const ApiVersion&) const = default;
};

/// Returns "1.2".
std::string to_string(const ApiVersion& version);

/// What a module needs before it loads: another module, or an interface, a name for which the
/// configuration chooses a module (`server.proxies`).
struct Dependency {
    std::string name;
    std::string default_implementation = {};  ///< of an interface, if the configuration names none
    std::optional<ApiVersion> least = {};     ///< of the other's API; nothing: any
    bool optional = false;                    ///< the module works without it
};

/// Returns why a module with the API version `found` is not what the dependency of `user` needs:
/// "'shop' needs version 1.2 of the API of 'lock', which has version 1.0". Returns "" if it is.
std::string version_difference(const std::string& user, const Dependency& dependency,
                               const std::string& module, const ApiVersion& found);

}  // namespace weir
