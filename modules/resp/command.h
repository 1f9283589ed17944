#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "core/run/task.h"
#include "modules/resp/request.h"
#include "modules/system/call/role.h"

namespace weir::resp {

class Session;

// What a client must be allowed to use a command, beside that it has any role. Every command says
// one of these; the tables of commands do not compile otherwise.
class Needs {
public:
    constexpr Needs() = default;  // nothing is said
    // A right; without a module, of resp.
    constexpr Needs(std::string_view module, std::string_view function, bool reads = false)
        : says_(true), right_(Right{module, function, reads}) {}
    // Nothing more.
    static constexpr Needs nothing() { return said(); }
    // What depends on the request, or is checked by the module that does it.
    static constexpr Needs checked_by_the_command() { return said(); }

    constexpr bool says() const noexcept { return says_; }
    constexpr const std::optional<Right>& right() const noexcept { return right_; }

private:
    static constexpr Needs said() {
        Needs needs;
        needs.says_ = true;
        return needs;
    }

    bool says_ = false;
    std::optional<Right> right_;
};

// A command of the Redis protocol: its name, what it takes, and the function that executes it.
struct Command {
    std::string_view name = {};     // in capitals
    std::string_view usage = {};    // what follows the name, for people
    std::string_view summary = {};  // what it does, without a full stop
    std::string_view group = {};
    std::size_t least = 1;  // arguments, with the name
    std::size_t most = 1;
    bool before_auth = false;  // may be sent before AUTH
    Needs needs = {};
    // Is executed at once between MULTI and EXEC, where other commands are collected.
    bool ends_transaction = false;
    // How many items (LongWork::per_round) a command takes that costs time in proportion to what
    // the server has, and not to its request: it waits for its turn of long work before. Null: next
    // to none, or the command itself waits.
    std::size_t (*items)(const Session& session, const Request& request) = nullptr;
    // Answers in the session: `run` at once, or `run_long` after waits; a command has one of both.
    // The request stays valid until the command has ended.
    void (*run)(Session& session, const Request& request) = nullptr;
    Task<> (*run_long)(Session& session, const Request& request) = nullptr;

    // As Redis has it: the number of arguments, or, negative, the least number.
    int arity() const noexcept {
        return least == most ? static_cast<int>(least) : -static_cast<int>(least);
    }
};

template <std::size_t count>
consteval bool all_say_what_they_need(const std::array<Command, count>& table) {
    return std::ranges::all_of(table, [](const Command& command) { return command.needs.says(); });
}

inline constexpr std::size_t any_number = static_cast<std::size_t>(-1);

// The commands of each kind, from the file of that name.
std::span<const Command> connection_commands() noexcept;
std::span<const Command> event_commands() noexcept;
std::span<const Command> lock_commands() noexcept;
std::span<const Command> server_commands() noexcept;
std::span<const Command> transaction_commands() noexcept;

// All commands, ordered by name.
std::span<const Command* const> all_commands();
// The command of this name, in capitals or not; null if there is none.
const Command* find_command(std::string_view name);

// "unknown command 'LOKC' (did you mean 'LOCK'?)"
std::string unknown_command(std::string_view name);
// "wrong number of arguments for 'LOCK': LOCK key [TIMEOUT seconds]"
std::string wrong_arity(const Command& command);

// Whether the texts are the same but for capitals. ASCII.
bool same_word(std::string_view a, std::string_view b) noexcept;
// "unknown option 'TIMEOT' of LOCK (did you mean 'TIMEOUT'?)", for a word that is none of the
// known ones.
std::string unknown_option(std::string_view kind, std::string_view word, std::string_view command,
                           std::initializer_list<std::string_view> known);

}  // namespace weir::resp
