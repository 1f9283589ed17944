#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/settings/settings.h"
#include "core/run/scheduler.h"
#include "core/wait/task_pool.h"
#include "modules/system/call/api_result.h"
#include "modules/system/call/caller.h"
#include "modules/system/rights/login_limiter.h"
#include "modules/system/rights/password_hash.h"

namespace weir {

/// A user, as the configuration describes it at `server.users`. Has its password in one of three
/// ways.
struct UserSettings {
    std::optional<std::string> password_hash;
    std::optional<std::string> password_file;
    std::optional<std::string> password_variable;
    std::vector<std::string> roles;

    static config::Settings<UserSettings> describe();
};

using UsersSettings = std::map<std::string, UserSettings>;

/// Returns what is wrong with a user beside what its description checks, without secrets: no
/// password, a file that cannot be read; "" if nothing is.
std::string wrong_user(const UserSettings& user);

/// A user that one listener knows beside those of the server.
struct OwnUser {
    std::string name;
    std::string password;
    std::vector<std::string> roles;
};

/// A client that says who it is.
struct Login {
    std::string user;
    std::string password;
    std::string source;  // failed logins delay later ones of it; see login_source()
    std::optional<OwnUser> own_user = {};
};

/// The users and roles of a server: who may log in, and what that allows. Each server has one.
///
/// A password that was right is recognised again by a digest with a key that only this process has,
/// so that only the first login of a user, and each wrong password, costs the time of a hash.
/// Hashes are computed on libuv's threads, two at a time.
class Access {
public:
    explicit Access(Scheduler& scheduler);
    Access(const Access&) = delete;
    Access& operator=(const Access&) = delete;

    /// Takes other roles and users. Reads passwords from files and the environment. Throws
    /// std::invalid_argument, and changes nothing, if a role is wrong; a user whose password cannot
    /// be read cannot log in, which is logged.
    void change(const std::map<std::string, RoleSettings>& roles, const UsersSettings& users);

    const Ref<AccessRules>& rules() const noexcept { return rules_; }
    bool has_user(std::string_view name) const noexcept { return accounts_.contains(name); }
    bool has_users() const noexcept { return !accounts_.empty(); }

    /// Returns the caller that the client is from now on. Waits its turn, if logins from its source
    /// have failed. Returns an error if user or password is wrong (`wrong_login`) or too many
    /// attempts from the source wait (`too_many_logins`); both are logged. A user that does not
    /// exist costs the same time as a wrong password.
    Task<ApiResult<Ref<Caller>>> log_in(Login login);

    /// Returns the number of hashes that were computed.
    std::uint64_t hashes() const noexcept { return hashes_; }

    static constexpr std::string_view wrong_login = "wrong_login";
    static constexpr std::string_view too_many_logins = "too_many_logins";

private:
    using Digest = std::array<unsigned char, 32>;

    struct Account {
        std::optional<PasswordHash> hash;
        std::optional<Digest> known;  // of the password, once it is known
    };

    Digest digest(std::string_view user, std::string_view password) const;
    static bool equal(const Digest& a, const Digest& b) noexcept;
    Account read_account(const std::string& name, const UserSettings& settings) const;
    Task<Ref<Caller>> check(const Login& login);
    Task<bool> check_hash(const Login& login, const Digest& given);
    ApiError refuse(const Login& login);
    ApiError fail(const Login& login);

    Scheduler& scheduler_;
    const Digest key_;
    Ref<AccessRules> rules_;
    std::map<std::string, Account, std::less<>> accounts_;
    std::optional<PasswordHash> some_hash_;  // of a user; tried where there is none
    LoginLimiter limiter_;
    std::uint64_t refused_ = 0;  // since the log said so last
    std::uint64_t hashes_ = 0;
    TaskPool pool_;
};

}  // namespace weir
