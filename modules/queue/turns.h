#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <optional>
#include <set>
#include <string>

namespace weir::jobs {

// The order of jobs that may be fetched: the highest priority first; with equal priority, keys take
// turns; of a key, the oldest job first. A key that comes back after it had none waits for the
// others' turns.
class Turns {
public:
    void add(int priority, const std::string& key, std::uint64_t id) {
        Level& level = levels_[priority];
        try {
            const auto [entry, is_new] = level.keys.try_emplace(key, level.turns.end());
            if (is_new) {
                entry->second.turn = level.turns.insert(level.turns.end(), key);
            }
            count_ += entry->second.ids.insert(id).second ? 1 : 0;
        } catch (...) {
            drop_if_empty(levels_.find(priority), level.keys.find(key));
            throw;
        }
    }

    // Requires that it was added.
    void remove(int priority, const std::string& key, std::uint64_t id) noexcept {
        const auto level = levels_.find(priority);
        const auto entry = level->second.keys.find(key);
        entry->second.ids.erase(id);
        --count_;
        drop_if_empty(level, entry);
    }

    // Removes the next one, and returns it.
    std::optional<std::uint64_t> take() {
        if (levels_.empty()) {
            return std::nullopt;
        }
        Level& level = levels_.begin()->second;
        level.turns.splice(level.turns.end(), level.turns, level.turns.begin());
        const std::string key = level.turns.back();
        const std::uint64_t id = *level.keys.at(key).ids.begin();
        remove(levels_.begin()->first, key, id);
        return id;
    }

    std::size_t size() const noexcept { return count_; }

private:
    struct Key {
        explicit Key(std::list<std::string>::iterator no_turn) noexcept : turn(no_turn) {}

        std::set<std::uint64_t> ids;
        std::list<std::string>::iterator turn;  // the end of `turns` before it has one
    };
    using Keys = std::map<std::string, Key>;
    struct Level {
        Keys keys;
        std::list<std::string> turns;
    };
    using Levels = std::map<int, Level, std::greater<>>;

    void drop_if_empty(Levels::iterator level, Keys::iterator key) noexcept {
        Level& of = level->second;
        if (key != of.keys.end() && key->second.ids.empty()) {
            if (key->second.turn != of.turns.end()) {
                of.turns.erase(key->second.turn);
            }
            of.keys.erase(key);
        }
        if (of.keys.empty()) {
            levels_.erase(level);
        }
    }

    Levels levels_;
    std::size_t count_ = 0;
};

}  // namespace weir::jobs
