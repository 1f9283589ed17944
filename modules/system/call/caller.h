#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/ref.h"
#include "modules/system/call/api_error.h"
#include "modules/system/call/role.h"

namespace weir {

/// The roles of a server, and which its users have. Shared by the server and all callers; when the
/// configuration changes, callers that are connected gain and lose rights at once. One thread.
class AccessRules final : public RefCounted<AccessRules> {
public:
    using Users = std::map<std::string, std::vector<std::string>, std::less<>>;

    /// Begins with the built-in roles and no users.
    AccessRules();

    /// Takes other roles, beside the built-in ones or in their place, and users with the names of
    /// their roles. Throws std::invalid_argument, and changes nothing, if a pattern is wrong.
    void change(const std::map<std::string, RoleSettings>& roles, Users users);

    /// Returns the role; null if there is none of that name.
    const Role* role(std::string_view name) const noexcept;
    /// Returns the names of the user's roles; null if there is no such user.
    const std::vector<std::string>* roles_of(std::string_view user) const noexcept;
    std::vector<std::string> role_names() const;
    /// Returns the names of the roles that allow the right, also for the lock if there is one.
    std::vector<std::string> roles_with(const Right& right, const LockName* lock) const;

    /// Grows with each change.
    std::uint64_t generation() const noexcept { return generation_; }

private:
    std::map<std::string, Role, std::less<>> roles_;
    Users users_;
    std::uint64_t generation_ = 0;
};

/// Who asks for something, and what it may do. Travels with each call from outside. The rules
/// decide at each question anew, so that a role that is taken away is gone. One thread.
class Caller final : public RefCounted<Caller> {
public:
    /// Returns the program itself, for calls between modules: it may do all.
    static const Caller& inside() noexcept;

    /// A user who has logged in.
    Caller(Ref<AccessRules> rules, std::string user);
    /// A caller with these roles, whatever the rules say of users. `user`: its name; "" if it has
    /// not logged in. `source`: where it connects from, see login_source().
    Caller(Ref<AccessRules> rules, std::string user, std::vector<std::string> roles,
           std::string source = {});
    ~Caller();

    /// Returns the name of the user; "" if the caller has not logged in.
    const std::string& user() const noexcept { return user_; }
    /// Returns where a caller that has not logged in connects from, which tells it apart from
    /// others; "" if that is not known, or the program itself calls.
    const std::string& source() const noexcept { return source_; }
    /// Returns whether it has any role.
    bool has_roles() const;

    bool may(const Right& right) const;
    bool may(const Right& right, const LockName& lock) const;
    /// Returns the error `denied`, which says what is missing, the right, and the roles that have
    /// it; or nothing if the caller may do that.
    std::optional<ApiError> refusal(const Right& right) const;
    std::optional<ApiError> refusal(const Right& right, const LockName& lock) const;
    /// Throws ApiException with that error if there is one.
    void require(const Right& right) const;
    void require(const Right& right, const LockName& lock) const;

private:
    Caller() = default;

    const std::vector<const Role*>& roles() const;
    ApiError denied(const Right& right, const LockName* lock) const;
    std::vector<std::string> role_names() const;

    Ref<AccessRules> rules_;  // null: inside
    std::string user_;
    std::vector<std::string> own_roles_;
    bool by_rules_ = false;  // the rules name its roles
    // Found at the last question; of the rules' generation.
    mutable std::vector<const Role*> roles_;
    mutable std::uint64_t generation_ = 0;
    std::string source_;
};

}  // namespace weir
