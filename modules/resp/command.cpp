#include "modules/resp/command.h"

#include <algorithm>
#include <bit>
#include <cstdint>
#include <vector>

#include "config/text/nearest_name.h"
#include "config/text/quoted.h"

namespace weir::resp {

namespace {

char upper(char c) noexcept {
    return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
}

// Equal for words that are the same but for capitals.
std::size_t hash_of(std::string_view word) noexcept {
    std::uint64_t hash = 0xcbf29ce484222325U;
    for (const char c : word) {
        hash = (hash ^ static_cast<unsigned char>(upper(c))) * 0x100000001b3U;
    }
    return static_cast<std::size_t>(hash ^ (hash >> 32));
}

// The commands by the hashes of their names: a power of two of slots, at least half of them null.
const std::vector<const Command*>& command_slots() {
    static const std::vector<const Command*> slots = [] {
        const auto commands = all_commands();
        std::vector<const Command*> result(std::bit_ceil(2 * commands.size()));
        const std::size_t mask = result.size() - 1;
        for (const Command* command : commands) {
            std::size_t slot = hash_of(command->name) & mask;
            while (result[slot] != nullptr) {
                slot = (slot + 1) & mask;
            }
            result[slot] = command;
        }
        return result;
    }();
    return slots;
}

std::string did_you_mean(std::string_view word, const std::vector<std::string>& known) {
    return config::did_you_mean(word, known);
}

}  // namespace

std::span<const Command* const> all_commands() {
    static const std::vector<const Command*> commands = [] {
        std::vector<const Command*> result;
        for (const auto part : {connection_commands(), event_commands(), lock_commands(),
                                server_commands(), transaction_commands()}) {
            for (const Command& command : part) {
                result.push_back(&command);
            }
        }
        std::ranges::sort(result, {}, &Command::name);
        return result;
    }();
    return commands;
}

const Command* find_command(std::string_view name) {
    const std::vector<const Command*>& slots = command_slots();
    const std::size_t mask = slots.size() - 1;
    std::size_t slot = hash_of(name) & mask;
    while (slots[slot] != nullptr && !same_word(slots[slot]->name, name)) {
        slot = (slot + 1) & mask;
    }
    return slots[slot];
}

std::string unknown_command(std::string_view name) {
    std::vector<std::string> known;
    for (const Command* command : all_commands()) {
        known.emplace_back(command->name);
    }
    return "unknown command '" + config::printable(name) + "'" + did_you_mean(name, known);
}

std::string wrong_arity(const Command& command) {
    std::string result = "wrong number of arguments for '" + std::string(command.name) +
                         "', expected " + std::string(command.name);
    if (!command.usage.empty()) {
        result.append(" ").append(command.usage);
    }
    return result;
}

bool same_word(std::string_view a, std::string_view b) noexcept {
    return std::ranges::equal(a, b, {}, upper, upper);
}

std::string unknown_option(std::string_view kind, std::string_view word, std::string_view command,
                           std::initializer_list<std::string_view> known) {
    const std::vector<std::string> names(known.begin(), known.end());
    std::string result = "unknown " + std::string(kind) + " '" + config::printable(word) + "' of " +
                         std::string(command);
    std::string nearest = did_you_mean(word, names);
    if (nearest.empty()) {
        nearest = ", expected";
        std::string_view separator = " ";
        for (const std::string& name : names) {
            nearest.append(separator).append(name);
            separator = ", ";
        }
    }
    return result + nearest;
}

}  // namespace weir::resp
