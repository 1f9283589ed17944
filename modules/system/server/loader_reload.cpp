// Reloading: new versions beside the old ones. docs/inside.md has the story as a whole.

#include <algorithm>
#include <functional>

#include "config/settings/duration.h"
#include "core/wait/do_events.h"
#include "core/wait/send.h"
#include "core/wait/timeout.h"
#include "modules/system/call/api_error.h"
#include "modules/system/server/library_users.h"
#include "modules/system/server/loader.h"
#include "modules/system/server/loader_change.h"
#include "modules/system/server/server.h"

namespace weir {

namespace {

// Holds a flag of a reload as long as it runs, however it ends.
class Flag {
public:
    explicit Flag(bool& flag) : flag_(flag) { flag_ = true; }
    Flag(const Flag&) = delete;
    Flag& operator=(const Flag&) = delete;
    ~Flag() { flag_ = false; }

private:
    bool& flag_;
};

std::string joined(const std::vector<std::string>& texts) {
    std::string result;
    for (const std::string& text : texts) {
        result += (result.empty() ? "" : "; ") + text;
    }
    return result;
}

}  // namespace

Task<> Loader::reload(std::vector<std::string> names) {
    for (std::string& name : names) {
        name = finder_.resolve(name);
        if (state(name) != ModuleState::succeeded) {
            throw LoadException("the module '" + name + "' is not loaded");
        }
    }
    if (reloading_) {
        throw LoadException("modules are being reloaded already");
    }
    RoutineFuture<> begun(*this, run_reload(std::move(names)), {.name = "reloading"});
    const Future<> reloading = begun;
    co_await reloading;
}

Task<> Loader::run_reload(Names names) {
    const Flag reloading(reloading_);
    const Names all = with_all_users(names);
    std::vector<std::unique_ptr<Flag>> flags;
    for (const std::string& name : all) {
        Entry& e = entry(name);
        if (e.state != ModuleState::succeeded || e.unloading) {
            throw LoadException("nothing is reloaded: the module '" + name + "' is " +
                                std::string(to_string(e.state)));
        }
        flags.push_back(std::make_unique<Flag>(e.reloading));
    }
    Successors successors = open_successors(all);
    std::string failure;
    std::exception_ptr quit;
    try {
        Task<> replacing = replace(successors);
        co_await replacing;
    } catch (const QuitException&) {
        quit = std::current_exception();
    } catch (...) {
        failure = current_api_error().message;
    }
    if (quit || !failure.empty()) {
        Task<> discarding = discard(successors);
        co_await discarding;
        if (quit) {
            std::rethrow_exception(quit);
        }
        throw LoadException(failure + "; the old version runs on");
    }
    flags.clear();
    for (const std::unique_ptr<Successor>& successor : successors) {
        Ref<Event> event = make_event<ModuleStateEvent>(successor->name, ModuleState::succeeded,
                                                        successor->entry->module.get(),
                                                        std::string("it was reloaded"));
        co_await send(std::move(event));
    }
}

// The new versions, those first that others depend on.
Loader::Successors Loader::open_successors(const Names& names) {
    std::map<std::string, std::unique_ptr<Successor>> opened;
    for (const std::string& name : names) {
        auto made = std::make_unique<Successor>();
        made->name = name;
        made->entry = &entry(name);
        try {
            const FoundModule& now = made->entry->found;
            made->found = now.library == nullptr ? now : finder_.open(name);
        } catch (const PluginError& error) {
            throw LoadException("nothing is reloaded: " + std::string(error.what()));
        }
        made->dependencies = resolved_dependencies(*made->found.type);
        opened[name] = std::move(made);
    }
    const auto dependencies = [&](const std::string& name) {
        if (const auto found = opened.find(name); found != opened.end()) {
            return found->second->dependencies;
        }
        const Entry* other = find_entry(name);
        return other == nullptr ? Names() : other->dependencies;
    };
    for (const std::string& name : names) {
        if (const std::string cycle = find_cycle(name, dependencies); !cycle.empty()) {
            throw LoadException("nothing is reloaded: dependency cycle " + cycle);
        }
    }
    Successors ordered;
    const std::function<void(const std::string&)> place = [&](const std::string& name) {
        const auto found = opened.find(name);
        if (found == opened.end() || found->second == nullptr) {
            return;  // not of these, or placed before
        }
        std::unique_ptr<Successor> successor = std::move(found->second);
        for (const std::string& dependency : successor->dependencies) {
            place(dependency);
        }
        ordered.push_back(std::move(successor));
    };
    for (const std::string& name : names) {
        place(name);
    }
    return ordered;
}

Task<> Loader::replace(Successors& successors) {
    Names together;
    for (const std::unique_ptr<Successor>& successor : successors) {
        together.push_back(successor->name);
    }
    for (const std::unique_ptr<Successor>& successor : successors) {
        agree_on_state(*successor);
        std::string failure;
        try {
            Task<> loading = bring_up(*successor, together);
            co_await loading;
        } catch (const QuitException&) {
            throw;
        } catch (...) {
            failure = current_api_error().message;
        }
        if (!failure.empty()) {
            throw LoadException("the module '" + successor->name + "' failed: " + failure);
        }
    }
    Task<> ending_calls = end_calls_before_handover(successors);
    co_await ending_calls;
    take_places(successors);
}

// Loads the new version, beside the old one.
Task<> Loader::bring_up(Successor& successor, const Names& together) {
    for (const std::string& name : successor.dependencies) {
        if (std::find(together.begin(), together.end(), name) != together.end()) {
            continue;
        }
        Task<> loading = ensure_loaded(name, "'" + successor.name + "' depends on it");
        co_await loading;
    }
    make_module(successor);
    Module& module = *successor.module;
    module.predecessor_ = successor.entry->module.get();
    module.add_declared_queues();
    Task<> loading = module.load();
    const Duration timeout = successor.common.reload_timeout;
    const bool loaded = co_await execute_with_timeout(timeout, std::move(loading));
    if (!loaded) {
        throw LoadException("load() did not end within " +
                            config::duration_text(successor.common.reload_timeout));
    }
    if (successor.found.type->succeeds_later) {
        const Future<> outcome = module.outcome_;
        co_await outcome;
    }
}

// Which state goes from the old to the new version, if any does.
void Loader::agree_on_state(Successor& successor) {
    const auto& old = successor.entry->found.type->handovers;
    const auto& now = successor.found.type->handovers;
    const auto gives =
        std::find_if(old.begin(), old.end(), [](const Handover& known) { return !!known.give; });
    if (gives == old.end() || now.empty()) {
        return;
    }
    const auto takes = std::find_if(now.begin(), now.end(), [&](const Handover& known) {
        return known.name == gives->name && known.version == gives->version;
    });
    if (takes == now.end()) {
        std::vector<std::string> known;
        for (const Handover& handover : now) known.push_back(handover.describe());
        throw LoadException("the module '" + successor.name + "' does not take over the state " +
                            gives->describe() + ", only " + joined(known));
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

// Of modules that hand over their state: new calls wait, and those that are under way end. Users
// come before those that they may call.
Task<> Loader::end_calls_before_handover(Successors& successors) {
    for (auto at = successors.rbegin(); at != successors.rend(); ++at) {
        const Successor& successor = **at;
        if (successor.gives == nullptr || successor.gives->calls == CallsUnderWay::go_on) {
            continue;
        }
        Module& old = *successor.entry->module;
        old.stop_serving();
        Task<bool> waiting = wait_until([&old] { return old.calls().empty(); },
                                        successor.entry->common.drain_timeout);
        const bool ended = co_await waiting;
        if (!ended) {
            Names calls;
            for (const Routine& call : old.calls()) calls.push_back(describe_wait(call));
            throw LoadException("the module '" + successor.name +
                                "' cannot hand over its state, there still is: " + joined(calls));
        }
    }
}

// From here on to the end of take_places nothing waits: for everybody else it is one moment.
void Loader::hand_over(Successors& successors) {
    for (const std::unique_ptr<Successor>& successor : successors) {
        if (successor->gives != nullptr) {
            successor->state = successor->gives->give(*successor->entry->module);
            successor->has_state = true;
        }
    }
    for (const std::unique_ptr<Successor>& successor : successors) {
        if (successor->has_state) {
            try {
                successor->takes->take(*successor->module, successor->state.get());
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
void Loader::hand_back(Successors& successors) noexcept {
    for (const std::unique_ptr<Successor>& successor : successors) {
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
            old.scheduler().log_exception("giving its state back to the module '" +
                                          successor->name + "'");
        }
        successor->has_state = successor->took = false;
        successor->state.reset();
    }
}

void Loader::take_places(Successors& successors) {
    std::list<Leaving> old_versions;
    try {
        old_versions.resize(successors.size());
        hand_over(successors);
        for (const std::unique_ptr<Successor>& successor : successors) {
            successor->module->begin();
            successor->module->serve();
            successor->state.reset();
        }
        std::size_t adopted = 0;
        for (const std::unique_ptr<Successor>& successor : successors) {
            adopted += successor->module->adopted_.size();
        }
        for (const std::unique_ptr<Successor>& successor : successors) {
            successor->module->reserve_for_replacement(adopted);  // the rest does not fail
        }
    } catch (...) {
        for (const std::unique_ptr<Successor>& successor : successors) {
            successor->module->stop_serving();
        }
        hand_back(successors);
        throw;
    }
    for (const std::unique_ptr<Successor>& successor : successors) {
        Entry& e = *successor->entry;
        Module& old = *e.module;
        old.stop_serving();
        successor->module->replace_predecessor();
        successor->module->state_ = ModuleState::succeeded;
        old.state_ = ModuleState::unloading;
        e.reason = "it was reloaded";
        e.since = scheduler().now();
        leaving_.splice(leaving_.end(), old_versions, old_versions.begin());
        Leaving& leaving = leaving_.back();
        std::swap<Version>(leaving, e);
        std::swap<Version>(e, *successor);
        successor->name = e.name;
    }
    // Users leave before those that they depend on.
    auto old = leaving_.rbegin();
    for (std::size_t i = 0; i != successors.size(); ++i, ++old) {
        try {
            old->module->retire();
        } catch (...) {
            scheduler().log_exception("retire() of the module '" + old->name + "'");
        }
        begin_leaving(*old);
    }
}

// The new versions go, as if they had never been there.
Task<> Loader::discard(Successors& successors) {
    for (auto at = successors.rbegin(); at != successors.rend(); ++at) {
        Successor& successor = **at;
        if (Module* old = successor.entry->module.get(); !old->serving()) {
            old->serve();
        }
        successor.state.reset();
        if (successor.module != nullptr) {
            successor.module->predecessor_ = nullptr;
            successor.module->adopted_.clear();
        }
    }
    fallback_.look_again();
    for (auto at = successors.rbegin(); at != successors.rend(); ++at) {
        std::string kept;
        Task<> going = let_go(**at, true, kept);
        co_await going;
    }
}

void Loader::begin_leaving(Leaving& leaving) {
    leaving.routine =
        start(leave(leaving),
              {.name = "the old version of '" + leaving.name + "' leaves", .daemon = true});
}

Task<> Loader::unload_leaving(Leaving& leaving) {
    if (leaving.module == nullptr) {
        co_return;  // it was tried before
    }
    try {
        Task<> unloading = leaving.module->unload();
        std::optional<Duration> timeout;
        if (leaving.at_once) {
            timeout = leaving.common.unload_timeout;
        }
        co_await execute_with_timeout(timeout, std::move(unloading));
    } catch (const QuitException&) {
        throw;
    } catch (...) {
        scheduler().log_exception("unload() of the old version of the module '" + leaving.name +
                                  "'");
    }
}

// Waits until it holds, however long that takes; after a while it is said what there still is.
Task<> Loader::wait_for_leaving(Leaving& leaving, std::function<bool()> holds) {
    Task<bool> waiting = wait_until(holds, leaving.common.drain_timeout);
    const bool soon = co_await waiting;
    if (!soon) {
        scheduler().log(LogLevel::info,
                        "the old version of the module '" + leaving.name +
                            "' stays until this has ended: " + joined(living_of(leaving)));
        Task<bool> going_on = wait_until(std::move(holds));
        co_await going_on;
    }
}

// Ends an old version when nothing is under way in it any more.
Task<> Loader::leave(Leaving& leaving) {
    const auto idle = [&leaving] {
        return leaving.at_once || leaving.module == nullptr ||
               (leaving.module->calls().empty() && leaving.module->holds_->empty() &&
                leaving.module->in_use().empty());
    };
    Task<> idling = wait_for_leaving(leaving, idle);
    co_await idling;
    Task<> unloading_it = unload_leaving(leaving);
    co_await unloading_it;
    Task<> destroying = destroy(leaving);
    co_await destroying;
    const auto unused = [this, &leaving] { return leaving.at_once || living_of(leaving).empty(); };
    Task<> draining = wait_for_leaving(leaving, unused);
    co_await draining;
    std::string kept;
    Task<> going = let_go(leaving, true, kept);
    co_await going;
    leaving_.remove_if([&leaving](const Leaving& other) { return &other == &leaving; });
    unload_unused_services();
}

}  // namespace weir
