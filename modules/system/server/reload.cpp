#include "modules/system/server/reload.h"

#include <algorithm>
#include <concepts>
#include <functional>
#include <list>
#include <map>
#include <string_view>
#include <utility>

#include "config/settings/duration.h"
#include "config/text/joined.h"
#include "core/wait/send.h"
#include "core/wait/timeout.h"
#include "modules/system/call/api_error.h"
#include "modules/system/server/library_users.h"
#include "modules/system/server/load_error.h"
#include "modules/system/server/startup_plan.h"
#include "modules/system/server/wait_until.h"

namespace weir {

namespace {

// Holds a flag as long as a reload runs, however it ends.
class Flag {
public:
    Flag(bool& flag, Condition& ended) : flag_(flag), ended_(ended) { flag_ = true; }
    Flag(const Flag&) = delete;
    Flag& operator=(const Flag&) = delete;
    ~Flag() {
        flag_ = false;
        ended_.notify();
    }

private:
    bool& flag_;
    Condition& ended_;
};

// Calls a function of the module; what that throws then names the module and the function.
template <std::invocable F>
auto call_of_module(const std::string& module, std::string_view function, F call) {
    try {
        return call();
    } catch (...) {
        throw LoadException("the module '" + module + "' failed in " + std::string(function) +
                            ": " + current_api_error().message);
    }
}

}  // namespace

Task<> Reload::run(std::vector<std::string> names) {
    const Flag reloading(parts_.table.reloading, parts_.table.reloaded);
    const std::vector<std::string> all = parts_.table.with_all_users(names);
    std::vector<std::unique_ptr<Flag>> flags;
    for (const std::string& name : all) {
        ModuleEntry& entry = parts_.table.entry(name);
        if (entry.state != ModuleState::succeeded || entry.unloading) {
            throw LoadException("nothing is reloaded: the module '" + name + "' is " +
                                std::string(to_string(entry.state)));
        }
        flags.push_back(std::make_unique<Flag>(entry.reloading, parts_.table.reloaded));
    }
    open_successors(all);
    std::string failure;
    std::exception_ptr quit;
    try {
        co_await replace();
    } catch (const QuitException&) {
        quit = std::current_exception();
    } catch (...) {
        failure = current_api_error().message;
    }
    if (quit || !failure.empty()) {
        co_await discard();
        if (quit) {
            std::rethrow_exception(quit);
        }
        throw LoadException(failure + "; the old version runs on");
    }
    flags.clear();
    for (const auto& [name, entry] : parts_.table.entries) {
        parts_.table.tell_optional_users(entry);
    }
    for (const std::unique_ptr<Successor>& successor : successors_) {
        ++successor->entry->changes.reloaded;
        parts_.scheduler().log(LogLevel::info, successor->name + " reloaded");
        Ref<Event> event = make_event<ModuleStateEvent>(successor->name, ModuleState::succeeded,
                                                        successor->entry->module.get(),
                                                        std::string("it was reloaded"));
        co_await send(std::move(event));
    }
}

std::unique_ptr<Reload::Successor> Reload::open_successor(const std::string& name,
                                                          const Opened& opened) {
    auto made = std::make_unique<Successor>();
    made->name = name;
    made->entry = &parts_.table.entry(name);
    try {
        const FoundModule& now = made->entry->found;
        made->found = now.library == nullptr ? now : open(name, opened);
    } catch (const PluginError& error) {
        throw LoadException("nothing is reloaded: " + std::string(error.what()));
    }
    made->dependencies = load_.resolved_dependencies(*made->found.type);
    return made;
}

// Opens each file once.
FoundModule Reload::open(const std::string& name, const Opened& opened) const {
    const ModuleFinder& finder = parts_.app.finder();
    for (const auto& [other, successor] : opened) {
        if (successor->found.type->name == finder.plugin_of(name)) {
            return successor->found;
        }
    }
    return finder.open(name);
}

void Reload::require_versions(const Successor& successor, const Opened& opened) const {
    try {
        load_.require_versions(successor, [&](const std::string& name) -> const ModuleClass* {
            if (const auto found = opened.find(name); found != opened.end()) {
                return found->second->found.type;
            }
            const ModuleEntry* other = parts_.table.find(name);
            const bool works = other != nullptr && other->state == ModuleState::succeeded;
            return works ? other->found.type : nullptr;
        });
    } catch (const LoadException& error) {
        throw LoadException("nothing is reloaded: " + std::string(error.what()));
    }
}

void Reload::open_successors(const std::vector<std::string>& names) {
    Opened opened;
    for (const std::string& name : names) {
        opened[name] = open_successor(name, opened);
    }
    for (const auto& [name, successor] : opened) {
        require_versions(*successor, opened);
    }
    const auto dependencies = [&](const std::string& name) {
        if (const auto found = opened.find(name); found != opened.end()) {
            return found->second->dependencies;
        }
        const ModuleEntry* other = parts_.table.find(name);
        return other == nullptr ? std::vector<std::string>() : other->dependencies;
    };
    for (const std::string& name : names) {
        if (const std::string cycle = find_cycle(name, dependencies); !cycle.empty()) {
            throw LoadException("nothing is reloaded: dependency cycle " + cycle);
        }
    }
    const std::function<void(const std::string&)> place = [&](const std::string& name) {
        const auto found = opened.find(name);
        if (found == opened.end() || found->second == nullptr) {
            return;  // not one of these, or placed before
        }
        std::unique_ptr<Successor> successor = std::move(found->second);
        for (const std::string& dependency : successor->dependencies) {
            place(dependency);
        }
        successors_.push_back(std::move(successor));
    };
    for (const std::string& name : names) {
        place(name);
    }
}

Task<> Reload::replace() {
    for (const std::unique_ptr<Successor>& successor : successors_) {
        agree_on_state(*successor);
        std::string failure;
        try {
            co_await bring_up(*successor);
        } catch (const QuitException&) {
            throw;
        } catch (...) {
            failure = current_api_error().message;
        }
        if (!failure.empty()) {
            throw LoadException("the module '" + successor->name + "' failed: " + failure);
        }
    }
    co_await end_calls_before_handover();
    co_await complete_states();
    take_places();
}

bool Reload::replaces(const std::string& name) const noexcept {
    return std::ranges::any_of(successors_,
                               [&](const auto& successor) { return successor->name == name; });
}

// Loads the new version, beside the old one.
Task<> Reload::bring_up(Successor& successor) {
    for (const std::string& name : successor.dependencies) {
        if (!replaces(name)) {
            co_await load_.load(name, "'" + successor.name + "' depends on it");
        }
    }
    load_.make_module(successor);
    Module& module = *successor.module;
    module.set_predecessor(successor.entry->module.get());
    load_.add_queues(module);
    const Duration timeout = successor.common.reload_timeout;
    const bool loaded = co_await execute_with_timeout(timeout, module.load());
    if (!loaded) {
        throw LoadException("load() did not end within " +
                            config::duration_text(successor.common.reload_timeout));
    }
}

// Finds the state that the old version hands to the new one, if there is any.
void Reload::agree_on_state(Successor& successor) {
    const auto& old = successor.entry->found.type->handovers;
    const auto& now = successor.found.type->handovers;
    const auto gives =
        std::ranges::find_if(old, [](const Handover& known) { return !!known.give; });
    if (gives == old.end() || now.empty()) {
        return;
    }
    const auto takes = std::ranges::find_if(now, [&](const Handover& known) {
        return known.name == gives->name && known.version == gives->version;
    });
    if (takes == now.end()) {
        std::vector<std::string> known;
        for (const Handover& handover : now) known.push_back(handover.describe());
        throw LoadException("the module '" + successor.name + "' does not take over the state " +
                            gives->describe() + ", only " + config::joined(known, "; "));
    }
    if (takes->size != gives->size) {
        throw LoadException("the module '" + successor.name + "': the state " + gives->describe() +
                            " has " + std::to_string(gives->size) + " bytes in the old version, " +
                            std::to_string(takes->size) +
                            " in the new one: another layout needs another version");
    }
    successor.gives = &*gives;
    successor.takes = &*takes;
}

// For modules that hand over their state: new calls wait, and those that are under way end. Users
// come before the modules that they may call.
Task<> Reload::end_calls_before_handover() {
    for (auto at = successors_.rbegin(); at != successors_.rend(); ++at) {
        const Successor& successor = **at;
        if (successor.gives == nullptr || successor.gives->calls == CallsUnderWay::go_on) {
            continue;
        }
        Module& old = *successor.entry->module;
        old.stop_serving();
        const auto idle = [&old] { return old.calls().empty(); };
        Task<bool> waiting = wait_until(idle, successor.entry->common.drain_timeout);
        const bool ended = co_await waiting;
        if (!ended) {
            std::vector<std::string> calls;
            for (const Routine& call : old.calls()) calls.push_back(describe_wait(call));
            throw LoadException(
                "the module '" + successor.name +
                "' cannot hand over its state, there still is: " + config::joined(calls, "; "));
        }
    }
}

// For all at a time, and at last: nothing waits between this and the hand-over.
Task<> Reload::complete_states() {
    const auto unready = [this] {
        return std::ranges::find_if(successors_, [](const auto& successor) {
            return successor->gives != nullptr &&
                   !call_of_module(successor->name, "can_hand_over()",
                                   [&] { return successor->entry->module->can_hand_over(); });
        });
    };
    Duration timeout{};
    for (const std::unique_ptr<Successor>& successor : successors_) {
        timeout = std::max<Duration>(timeout, successor->entry->common.drain_timeout);
    }
    const auto complete = [this, &unready] { return unready() == successors_.end(); };
    Task<bool> waiting = wait_until(complete, timeout);
    const bool is_complete = co_await waiting;
    if (!is_complete) {
        throw LoadException("the module '" + (*unready())->name +
                            "' cannot hand over its state: it is not complete within " +
                            config::duration_text(timeout) + " (drain_timeout)");
    }
}

// Makes the new versions the ones that modules find, or undoes that. A version that begins looks
// up those that it depends on, to stay with them: it must not find an old one, which leaves.
void Reload::exchange_versions() noexcept {
    for (const std::unique_ptr<Successor>& successor : successors_) {
        std::swap<ModuleVersion>(*successor->entry, *successor);
    }
}

// From here on to the end of take_places() nothing waits: all other code sees one moment.
void Reload::take_states() {
    for (const std::unique_ptr<Successor>& successor : successors_) {
        if (successor->gives != nullptr) {
            successor->state = call_of_module(successor->name, "handing over its state", [&] {
                return successor->gives->give(*successor->entry->module);
            });
            successor->has_state = true;
        }
    }
}

// Requires that the versions are exchanged.
void Reload::hand_over_states() {
    for (const std::unique_ptr<Successor>& successor : successors_) {
        if (successor->has_state) {
            try {
                successor->takes->take(*successor->entry->module, successor->state.get());
            } catch (...) {
                throw LoadException("the module '" + successor->name + "' refuses the state " +
                                    successor->gives->describe() + ": " +
                                    current_api_error().message);
            }
            successor->has_state = false;
            successor->took = true;
        }
    }
}

// What a new version has already taken it gives back, if the old one knows what it gives.
void Reload::hand_back() noexcept {
    for (const std::unique_ptr<Successor>& successor : successors_) {
        if (successor->gives == nullptr || !(successor->has_state || successor->took)) {
            continue;
        }
        Module& old = *successor->entry->module;
        try {
            if (successor->took && successor->takes->give) {
                successor->state = successor->takes->give(*successor->module);
            }
            successor->gives->take(old, successor->state.get());
        } catch (...) {
            old.scheduler().log_exception("taking its state back, the module '" + successor->name +
                                          "' ended");
        }
        successor->has_state = successor->took = false;
        successor->state.reset();
    }
}

// All that may fail. Afterwards the entries have the new versions, and the successors the old ones.
// On failure the old versions are back, with their state.
void Reload::prepare_to_take_places() {
    bool exchanged = false;
    try {
        take_states();
        exchange_versions();
        exchanged = true;
        hand_over_states();
        for (const std::unique_ptr<Successor>& successor : successors_) {
            call_of_module(successor->name, "begin()", [&] { successor->entry->module->begin(); });
            successor->entry->module->serve();
            successor->state.reset();
        }
        std::size_t adopted = 0;
        for (const std::unique_ptr<Successor>& successor : successors_) {
            adopted += successor->entry->module->adopted_queues();
        }
        for (const std::unique_ptr<Successor>& successor : successors_) {
            successor->entry->module->reserve_for_replacement(adopted);
        }
    } catch (...) {
        if (exchanged) {
            exchange_versions();
        }
        for (const std::unique_ptr<Successor>& successor : successors_) {
            successor->module->stop_serving();
        }
        hand_back();
        throw;
    }
}

void Reload::take_places() {
    std::list<LeavingVersion> old_versions(successors_.size());
    prepare_to_take_places();
    for (const std::unique_ptr<Successor>& successor : successors_) {
        ModuleEntry& entry = *successor->entry;
        successor->module->stop_serving();
        entry.module->replace_predecessor();
        entry.module->set_state(ModuleState::succeeded);
        successor->module->set_state(ModuleState::unloading);
        entry.reason = "it was reloaded";
        entry.since = parts_.scheduler().now();
        std::list<LeavingVersion>& leaving = parts_.table.leaving;
        leaving.splice(leaving.end(), old_versions, old_versions.begin());
        std::swap<ModuleVersion>(leaving.back(), *successor);
        successor->name = entry.name;
    }
    retire_old_versions();
}

// Users leave before the modules that they depend on.
void Reload::retire_old_versions() {
    auto old = parts_.table.leaving.rbegin();
    for (std::size_t i = 0; i != successors_.size(); ++i, ++old) {
        try {
            old->module->retire();
        } catch (...) {
            parts_.scheduler().log_exception("retire() of the module '" + old->name + "' ended");
        }
        old_versions_.begin_leaving(*old);
    }
}

// Ends the new versions, as if they had never been there.
Task<> Reload::discard() {
    for (auto at = successors_.rbegin(); at != successors_.rend(); ++at) {
        Successor& successor = **at;
        if (Module* old = successor.entry->module.get(); !old->serving()) {
            old->serve();
        }
        successor.state.reset();
        if (successor.module != nullptr) {
            successor.module->forget_predecessor();
        }
    }
    parts_.fallback.look_again();
    for (auto at = successors_.rbegin(); at != successors_.rend(); ++at) {
        co_await release_.destroy(**at);
    }
    for (auto at = successors_.rbegin(); at != successors_.rend(); ++at) {
        const auto is_same = [&](const auto& other) {
            return other->found.library == (*at)->found.library;
        };
        if (std::any_of(at + 1, successors_.rend(), is_same)) {
            (*at)->found.library.reset();  // the last one lets it go
        }
        co_await release_.let_go(**at, true);
    }
}

}  // namespace weir
