#include "modules/system/call/caller.h"

#include <algorithm>

#include "config/text/quoted.h"

namespace weir {

namespace {

std::string quoted_list(const std::vector<std::string>& names) {
    std::string text;
    for (const std::string& name : names) {
        text += (text.empty() ? "'" : ", '") + config::printable(name) + "'";
    }
    return text;
}

}  // namespace

AccessRules::AccessRules() {
    change({}, {});
}

void AccessRules::change(const std::map<std::string, RoleSettings>& roles, Users users) {
    std::map<std::string, RoleSettings> all = roles;
    all.merge(built_in_roles());
    std::map<std::string, Role, std::less<>> made;
    for (const auto& [name, settings] : all) {
        made.emplace(name, Role(settings));
    }
    roles_ = std::move(made);
    users_ = std::move(users);
    ++generation_;
}

const Role* AccessRules::role(std::string_view name) const noexcept {
    const auto found = roles_.find(name);
    return found == roles_.end() ? nullptr : &found->second;
}

const std::vector<std::string>* AccessRules::roles_of(std::string_view user) const noexcept {
    const auto found = users_.find(user);
    return found == users_.end() ? nullptr : &found->second;
}

std::vector<std::string> AccessRules::role_names() const {
    std::vector<std::string> names;
    for (const auto& [name, role] : roles_) {
        names.push_back(name);
    }
    return names;
}

std::vector<std::string> AccessRules::roles_with(const Right& right, const LockName* lock) const {
    std::vector<std::string> names;
    for (const auto& [name, role] : roles_) {
        if (lock == nullptr ? role.allows(right) : role.allows(right, *lock)) {
            names.push_back(name);
        }
    }
    return names;
}

const Caller& Caller::inside() noexcept {
    static const Caller program;
    return program;
}

Caller::Caller(Ref<AccessRules> rules, std::string user)
    : rules_(std::move(rules)), user_(std::move(user)), by_rules_(true) {}

Caller::Caller(Ref<AccessRules> rules, std::string user, std::vector<std::string> roles,
               std::string source)
    : rules_(std::move(rules)),
      user_(std::move(user)),
      own_roles_(std::move(roles)),
      source_(std::move(source)) {}

Caller::~Caller() = default;

std::vector<std::string> Caller::role_names() const {
    if (!by_rules_) {
        return own_roles_;
    }
    const std::vector<std::string>* names = rules_->roles_of(user_);
    return names == nullptr ? std::vector<std::string>() : *names;
}

const std::vector<const Role*>& Caller::roles() const {
    if (generation_ != rules_->generation()) {
        roles_.clear();
        for (const std::string& name : role_names()) {
            if (const Role* role = rules_->role(name)) {
                roles_.push_back(role);
            }
        }
        generation_ = rules_->generation();
    }
    return roles_;
}

bool Caller::has_roles() const {
    return rules_ == nullptr || !roles().empty();
}

bool Caller::may(const Right& right) const {
    return rules_ == nullptr ||
           std::ranges::any_of(roles(), [&](const Role* role) { return role->allows(right); });
}

bool Caller::may(const Right& right, const LockName& lock) const {
    return rules_ == nullptr || std::ranges::any_of(roles(), [&](const Role* role) {
               return role->allows(right, lock);
           });
}

std::optional<ApiError> Caller::refusal(const Right& right) const {
    return may(right) ? std::nullopt : std::optional(denied(right, nullptr));
}

std::optional<ApiError> Caller::refusal(const Right& right, const LockName& lock) const {
    return may(right, lock) ? std::nullopt : std::optional(denied(right, &lock));
}

void Caller::require(const Right& right) const {
    if (std::optional<ApiError> error = refusal(right)) {
        throw ApiException(*std::move(error));
    }
}

void Caller::require(const Right& right, const LockName& lock) const {
    if (std::optional<ApiError> error = refusal(right, lock)) {
        throw ApiException(*std::move(error));
    }
}

ApiError Caller::denied(const Right& right, const LockName* lock) const {
    std::string text = user_.empty() ? "a client that has not logged in"
                                     : "the user '" + config::printable(user_) + "'";
    if (const std::vector<std::string> own = role_names(); !own.empty()) {
        text += own.size() == 1 ? " (role " : " (roles ";
        text += quoted_list(own) + ")";
    }
    text += " has no right to " + config::printable(right.text(), 200);
    if (lock != nullptr) {
        text += " for the key '" + config::printable(lock->key, 200) + "' of the context '" +
                config::printable(lock->context, 200) + "'";
    }
    const std::vector<std::string> with = rules_->roles_with(right, lock);
    text += with.empty() ? "; no role has it"
                         : (with.size() == 1 ? "; the role " : "; the roles ") + quoted_list(with) +
                               (with.size() == 1 ? " has it" : " have it");
    return {std::string(ApiError::denied), std::move(text)};
}

}  // namespace weir
