#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/settings/settings.h"
#include "core/base/glob.h"

namespace weir {

/// What a caller outside may be allowed to do: call a function of a module, or what a module offers
/// in another way, under a name of the same form.
struct Right {
    std::string_view module;
    std::string_view function;
    bool reads = false;  ///< it shows something, and changes nothing

    /// Returns "lock.acquire".
    std::string text() const;
};

/// Which lock a call is about.
struct LockName {
    std::string_view context;
    std::string_view key;
};

/// A role, as the configuration describes it at `server.roles`.
struct RoleSettings {
    std::vector<std::string> may;
    std::vector<std::string> keys = {"*"};
    std::vector<std::string> contexts = {"*"};

    static config::Settings<RoleSettings> describe();
};

/// Returns the roles that every server has: `admin` may do all; `guest`, as whom a client that has
/// not logged in is served unless a listener says otherwise, may use locks, and read.
std::map<std::string, RoleSettings> built_in_roles();

/// What callers with a role may do. Immutable.
class Role {
public:
    /// Throws std::invalid_argument, saying what is wrong with a pattern.
    explicit Role(const RoleSettings& settings);

    bool allows(const Right& right) const noexcept;
    /// Returns whether the role allows the right for this lock.
    bool allows(const Right& right, const LockName& lock) const noexcept;

private:
    // "module.function"; the parts are compared one by one, so that no name can imitate another.
    struct Functions {
        Glob module;
        Glob function;
    };

    bool all_ = false;
    bool reading_ = false;
    std::vector<Functions> functions_;
    std::vector<Glob> keys_;
    std::vector<Glob> contexts_;
};

}  // namespace weir
