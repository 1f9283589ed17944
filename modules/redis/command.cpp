#include "modules/redis/command.h"

#include <algorithm>
#include <array>
#include <cassert>

namespace weir::redis {
namespace {

constexpr std::string_view changes =
    "it changes the connection, which all callers share; a script does several things at once";
constexpr std::string_view holds_up = "it waits, and holds up all other callers meanwhile";
constexpr std::string_view subscribes = "channels and patterns are settings, and messages events";
constexpr std::string_view locks =
    "a lock belongs to the connection, which all callers share; the module `lock` takes locks at a "
    "lockd";

struct Unfit {
    std::string_view name;
    std::string_view why;
};
constexpr std::array unfit_commands = {
    Unfit{"ASKING", changes},          Unfit{"AUTH", changes},
    Unfit{"BLMOVE", holds_up},         Unfit{"BLMPOP", holds_up},
    Unfit{"BLPOP", holds_up},          Unfit{"BRPOP", holds_up},
    Unfit{"BRPOPLPUSH", holds_up},     Unfit{"BZMPOP", holds_up},
    Unfit{"BZPOPMAX", holds_up},       Unfit{"BZPOPMIN", holds_up},
    Unfit{"DISCARD", changes},         Unfit{"EXEC", changes},
    Unfit{"HELLO", changes},           Unfit{"LOCK", locks},
    Unfit{"MONITOR", changes},         Unfit{"MULTI", changes},
    Unfit{"PSUBSCRIBE", subscribes},   Unfit{"PSYNC", changes},
    Unfit{"PUNSUBSCRIBE", subscribes}, Unfit{"QUIT", changes},
    Unfit{"READONLY", changes},        Unfit{"READWRITE", changes},
    Unfit{"RESET", changes},           Unfit{"SELECT", changes},
    Unfit{"SSUBSCRIBE", subscribes},   Unfit{"SUBSCRIBE", subscribes},
    Unfit{"SUNSUBSCRIBE", subscribes}, Unfit{"SYNC", changes},
    Unfit{"TRYLOCK", locks},           Unfit{"UNLOCK", locks},
    Unfit{"UNSUBSCRIBE", subscribes},  Unfit{"UNWATCH", changes},
    Unfit{"WAIT", holds_up},           Unfit{"WAITAOF", holds_up},
    Unfit{"WATCH", changes},
};
static_assert(std::ranges::is_sorted(unfit_commands, {}, &Unfit::name));

std::string capitals(std::string_view text) {
    std::string result(text);
    for (char& c : result) {
        if (c >= 'a' && c <= 'z') {
            c = static_cast<char>(c - 'a' + 'A');
        }
    }
    return result;
}

std::string_view why_unfit(const std::string& name, std::span<const std::string> arguments) {
    const auto found = std::ranges::lower_bound(unfit_commands, name, {}, &Unfit::name);
    if (found != unfit_commands.end() && found->name == name) {
        return found->why;
    }
    if (name == "CLIENT" && arguments.size() > 1) {
        const std::string what = capitals(arguments[1]);
        if (what == "PAUSE") {
            return holds_up;
        }
        return what == "REPLY" || what == "TRACKING" || what == "CACHING" ? changes
                                                                          : std::string_view();
    }
    if (name == "DEBUG" && arguments.size() > 1 && capitals(arguments[1]) == "SLEEP") {
        return holds_up;
    }
    const bool may_wait = name == "XREAD" || name == "XREADGROUP";
    // Behind STREAMS are keys, one of which may have this name.
    for (std::size_t i = 1; may_wait && i < arguments.size(); ++i) {
        const std::string word = capitals(arguments[i]);
        if (word == "BLOCK") {
            return holds_up;
        }
        if (word == "STREAMS") {
            break;
        }
    }
    return {};
}

void append_head(std::string& bytes, char type, std::size_t number) {
    bytes += type;
    bytes += std::to_string(number);
    bytes += "\r\n";
}

}  // namespace

void Command::encode(std::span<const std::string> arguments) {
    assert(!arguments.empty());
    name_ = capitals(arguments[0]);
    unfit_ = why_unfit(name_, arguments);
    append_head(bytes_, '*', arguments.size());
    for (const std::string& argument : arguments) {
        append_head(bytes_, '$', argument.size());
        bytes_ += argument;
        bytes_ += "\r\n";
    }
}

}  // namespace weir::redis
