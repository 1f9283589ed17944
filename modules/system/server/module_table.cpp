#include "modules/system/server/module_table.h"

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "core/run/scheduler.h"
#include "core/wait/send.h"

namespace weir {

namespace {

// Whether the module works, and has the version that the user needs of an optional dependency. Logs
// it if the version is the reason.
bool is_usable(const Scheduler& scheduler, const ModuleEntry& user, const std::string& dependency,
               const ModuleEntry& entry) {
    if (entry.state != ModuleState::succeeded) {
        return false;
    }
    for (const Dependency& known : user.found.type->dependencies) {
        if (known.name != dependency) {
            continue;
        }
        const std::string difference =
            version_difference(user.name, known, entry.name, entry.found.type->version);
        if (!difference.empty()) {
            scheduler.log(LogLevel::warning, difference + ", and does without", user.name);
        }
        return difference.empty();
    }
    return false;
}

}  // namespace

ModuleEntry& ModuleTable::entry(const std::string& name) {
    ModuleEntry& entry = entries[name];
    entry.name = name;
    return entry;
}

const ModuleEntry* ModuleTable::find(std::string_view name) const noexcept {
    const auto found = entries.find(name);
    return found == entries.end() ? nullptr : &found->second;
}

bool ModuleTable::shares_library(const ModuleVersion& version) const noexcept {
    const auto shares = [&version](const ModuleVersion& other) {
        return &other != &version && other.found.library == version.found.library;
    };
    return version.found.library != nullptr &&
           (std::ranges::any_of(
                entries, shares,
                [](const auto& entry) -> const ModuleVersion& { return entry.second; }) ||
            std::ranges::any_of(leaving, shares));
}

void ModuleTable::tell_optional_users(const ModuleEntry& entry) {
    for (auto& [name, user] : entries) {
        Module* const module = user.module.get();
        if (module == nullptr) {
            continue;
        }
        for (Module::OptionalDependency& optional : module->optional_dependencies()) {
            if (optional.module != entry.name) {
                continue;
            }
            try {
                const bool there = is_usable(module->scheduler(), user, optional.name, entry);
                if (std::exchange(optional.there, there) != there) {
                    module->dependency_changed(optional.name);
                }
            } catch (...) {
                module->scheduler().log_exception("dependency_changed() of the module '" + name +
                                                  "' ended");
            }
        }
    }
}

ModuleTable::Names ModuleTable::users_of(const std::string& name) const {
    Names users;
    for (const auto& [other, entry] : entries) {
        if (entry.module != nullptr &&
            std::ranges::find(entry.dependencies, name) != entry.dependencies.end()) {
            users.push_back(other);
        }
    }
    return users;
}

ModuleTable::Names ModuleTable::with_all_users(const Names& names) const {
    Names all;
    Names to_add = names;
    while (!to_add.empty()) {
        const std::string name = std::move(to_add.back());
        to_add.pop_back();
        if (std::ranges::find(all, name) == all.end()) {
            all.push_back(name);
            for (std::string& user : users_of(name)) to_add.push_back(std::move(user));
        }
    }
    std::ranges::sort(all);
    return all;
}

bool ModuleTable::has_old_version(std::string_view name) const noexcept {
    return std::ranges::any_of(leaving,
                               [&](const LeavingVersion& old) { return old.name == name; });
}

std::string ModuleTable::module_of(const Container* container,
                                   const std::source_location& started_at) const {
    const auto owns = [&](const ModuleVersion& version) {
        if (version.module == nullptr || container == nullptr) {
            return false;
        }
        const auto& calls = version.module->calls();
        return container == version.module.get() ||
               (!calls.empty() && container == calls.front().container());
    };
    // Code that several modules share tells nothing.
    const auto started = [&](const ModuleVersion& version) {
        return version.found.library != nullptr &&
               version.found.library->contains(started_at.file_name()) && !shares_library(version);
    };
    const auto name_of = [&](const auto& is_it) {
        for (const auto& [name, entry] : entries) {
            if (is_it(entry)) return name;
        }
        for (const LeavingVersion& old : leaving) {
            if (is_it(old)) return old.name;
        }
        return std::string();
    };
    const std::string owner = name_of(owns);
    return owner.empty() ? name_of(started) : owner;
}

std::string ModuleTable::module_of(const Queue& queue) const {
    const auto path = queue.matcher().path();
    // Whether the queue takes events of that type, or of some derived from it.
    const auto is_for = [&](const EventType* type) {
        const std::vector<EventType::Level>& levels = type->levels();
        for (std::size_t i = 0; i != levels.size(); ++i) {
            if (levels[i].offset < 0 && (i >= path.size() || path[i] != levels[i].fixed)) {
                return false;
            }
        }
        return true;
    };
    std::string brings_events;
    for (const auto& [name, entry] : entries) {
        if (entry.module == nullptr) {
            continue;
        }
        if (std::ranges::any_of(entry.module->queues(),
                                [&](const Ref<Queue>& added) { return added.get() == &queue; })) {
            return name;
        }
        if (std::ranges::any_of(entry.module->type().events, is_for)) {
            brings_events = name;
        }
    }
    return brings_events;
}

void ModuleTable::destroy_modules() noexcept {
    const auto destroy = [](ModuleVersion& version) {
        version.module->stop_serving();
        version.module->close_all();
        version.module.reset();
    };
    for (LeavingVersion& old : leaving) {
        if (old.module != nullptr) {
            destroy(old);
        }
        old.routine.reset();
    }
    const auto is_needed = [this](const std::string& name) {
        return std::ranges::any_of(entries, [&](const auto& other) {
            const ModuleEntry& user = other.second;
            return user.module != nullptr &&
                   std::ranges::find(user.dependencies, name) != user.dependencies.end();
        });
    };
    for (bool found = true; found;) {
        found = false;
        for (auto& [name, entry] : entries) {
            if (entry.module != nullptr && !is_needed(name)) {
                destroy(entry);
                found = true;
            }
        }
    }
    for (auto& [name, entry] : entries) {
        entry.loading.reset();
        entry.unloading.reset();
    }
}

namespace {

// "lock loaded (listed in server.startup)"; "" for a state that is not worth a line.
std::string log_line(const ModuleEntry& entry, ModuleState state, const std::string& reason) {
    const std::string because = reason.empty() ? "" : " (" + reason + ")";
    switch (state) {
        case ModuleState::loading:
            return entry.name + " is loading" + because;
        case ModuleState::succeeded:
            return entry.state == ModuleState::unloading
                       ? entry.name + " is not unloaded and works on: " + reason
                       : entry.name + " loaded" + because;
        case ModuleState::failed:
            return entry.name + " failed to load: " + reason;
        case ModuleState::unloading:
            return entry.name + " is unloading" + because;
        case ModuleState::unloaded:
            return entry.name + " unloaded" + because;
        default:
            return {};
    }
}

}  // namespace

Task<> change_state(Scheduler& scheduler, ModuleTable& table, ModuleEntry& entry, ModuleState state,
                    std::string reason) {
    if (!may_change(entry.state, state)) {
        throw std::logic_error("the module '" + entry.name + "' is " +
                               std::string(to_string(entry.state)) + " and cannot become " +
                               std::string(to_string(state)));
    }
    // What takes memory comes first: without any, the state stays.
    const Module* const instance = entry.module.get();
    const std::string line = log_line(entry, state, reason);
    Ref<Event> event = make_event<ModuleStateEvent>(entry.name, state, instance, reason);
    if (state == ModuleState::failed) {
        ++entry.changes.failed;
    } else if (state == ModuleState::unloaded) {
        ++entry.changes.unloaded;
    } else if (state == ModuleState::succeeded && entry.state != ModuleState::unloading) {
        ++entry.changes.loaded;
    }
    entry.state = state;
    entry.reason = std::move(reason);
    entry.since = scheduler.now();
    if (instance != nullptr) {
        entry.module->set_state(state);
    }
    if (!line.empty()) {
        scheduler.log(state == ModuleState::failed ? LogLevel::error : LogLevel::info, line);
    }
    table.tell_optional_users(entry);
    co_await send(std::move(event));
}

}  // namespace weir
