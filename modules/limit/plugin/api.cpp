#include "modules/limit/plugin/api.h"

#include "config/settings/name_in.h"
#include "core/base/glob.h"
#include "modules/limit/limit.h"

namespace weir::limit {

using config::setting;
using config::settings;

namespace {

constexpr std::size_t longest_key = 1024;
const config::NameIn name_of_limit{"limit", "limits"};

}  // namespace

config::Settings<TakeParameters> TakeParameters::describe() {
    using S = TakeParameters;
    return settings<S>(
        "Takes a ticket of a limit. Fails with `limit_reached` if none is to be had within the "
        "time "
        "of `wait`; a call that is cancelled meanwhile takes nothing",
        setting("limit", &S::limit, "Name of the limit").check(name_of_limit).required(),
        setting("key", &S::key, "For whom, or for what; each key is limited by itself")
            .length(0, longest_key),
        setting("tokens", &S::tokens, "How many tokens it costs, if the limit has a rate"),
        setting("priority", &S::priority, "Higher ones go first").range(0, Limit::priorities - 1),
        setting("wait", &S::wait, "How long to wait for it; 0: not at all; null: as the limit says")
            .at_most(std::chrono::hours(24)));
}

config::Settings<TakeResult> TakeResult::describe() {
    using S = TakeResult;
    return settings<S>("A ticket",
                       setting("ticket", &S::ticket,
                               "What to give back; \"\": nothing, the limit has only a rate"),
                       setting("waited", &S::waited, "How long the call has waited"));
}

config::Settings<GiveBackParameters> GiveBackParameters::describe() {
    using S = GiveBackParameters;
    return settings<S>(
        "Gives a ticket back, and returns whether it was still valid",
        setting("ticket", &S::ticket, "What `take` has returned; \"\": does nothing").required());
}

config::Settings<KeysParameters> KeysParameters::describe() {
    using S = KeysParameters;
    return settings<S>(
        "Lists keys of a limit that it remembers",
        setting("limit", &S::limit, "Name of the limit").check(name_of_limit).required(),
        setting("pattern", &S::pattern, "Which keys: `*` stands for any text")
            .check([](const std::string& pattern) {
                return pattern.size() > Glob::longest ? std::string("is too long") : std::string();
            }),
        setting("most", &S::most, "How many").range(1, 1000));
}

config::Settings<KeyInfo> KeyInfo::describe() {
    using S = KeyInfo;
    return settings<S>(
        "A key of a limit", setting("key", &S::key, "The key"),
        setting("in_use", &S::in_use, "Tickets that it has"),
        setting("waiting", &S::waiting, "Callers that wait for one"),
        setting("tokens", &S::tokens, "Tokens that it could take now; null: any number"));
}

config::Settings<LimitInfo> LimitInfo::describe() {
    using S = LimitInfo;
    return settings<S>("A limit", setting("name", &S::name, "Its name"),
                       setting("description", &S::description, "What it limits"),
                       setting("keys", &S::keys, "Keys that it remembers"),
                       setting("in_use", &S::in_use, "Tickets that are out"),
                       setting("waiting", &S::waiting, "Callers that wait for a ticket"),
                       setting("taken", &S::taken, "Tickets that were taken"),
                       setting("refused", &S::refused, "Callers that have got none"));
}

}  // namespace weir::limit
