#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/settings.h"
#include "core/container.h"
#include "core/event_handler.h"
#include "core/future.h"
#include "core/queue.h"
#include "modules/call.h"
#include "modules/module_class.h"
#include "modules/module_events.h"

namespace weir {

class Server;

// What a module is made with; handed through by its constructor.
struct ModuleContext {
    Scheduler& scheduler;
    Server& server;
    const ModuleClass& type;
    std::shared_ptr<void> settings;  // shared with the loader, that may replace it
};

// What Module::discover takes.
struct DiscoverParameters {
    bool details = false;

    static config::Settings<DiscoverParameters> describe();
};

// A part of a server that can be loaded, called and unloaded while it runs. It owns its routines:
// those that it starts end when it unloads. Derive from it, or from ModuleOf<Settings>, and
// describe it in a static `declare()`; see ModuleDeclaration.
//
// A module is made when its dependencies have succeeded. If its constructor or load() throws, it
// has failed, and so have those that depend on it.
class Module : public Container {
public:
    explicit Module(const ModuleContext& context);
    ~Module() override;

    const ModuleClass& type() const noexcept { return type_; }
    const std::string& name() const noexcept { return type_.name; }
    ModuleState state() const noexcept { return state_; }
    Server& server() const noexcept { return server_; }

    // Function of every module's API: names of the functions with what they do, or all that is
    // known about them.
    Json discover(const DiscoverParameters& parameters) const;

    // To be overridden:

    // Gets ready: starts routines, opens what it needs. The module may be called, and those that
    // depend on it load, when this has ended.
    virtual Task<> load();
    // Gets ready to go: shuts connections down, waits for what must not be cut off. All routines
    // are closed afterwards. Unwound when it takes longer than the module's `unload_timeout`.
    virtual Task<> unload();
    // What holds the module in use, one line each, as "lock 'a' held by ...". As long as there is
    // any, unloading is refused unless it is forced.
    virtual std::vector<std::string> in_use() const { return {}; }
    // The settings have changed, but for fixed ones, and are already in place.
    virtual void settings_changed() {}

protected:
    // Of modules that succeed later: says so. Others must not call these.
    void succeed();
    void fail(std::string reason);

    // Adds a subqueue that belongs to the module: it is removed, with what is in it, when the
    // module unloads.
    Ref<Queue> add_queue(Queue& parent, std::string queue_name, int priority, Matcher matcher,
                         QueueOptions options = {});

    const void* settings_object() const noexcept { return settings_.get(); }

private:
    friend class Loader;

    void serve();
    void stop_serving() noexcept;
    void take(const Ref<ModuleApiCall>& event, bool is_public);

    Server& server_;
    const ModuleClass& type_;
    std::shared_ptr<void> settings_;
    ModuleState state_ = ModuleState::not_loaded;
    EventHandler handler_;
    std::vector<Ref<Queue>> queues_;
    Future<> outcome_;  // of a module that succeeds later
};

// A module with settings, which the configuration has at module.<name>.
template <config::Described S>
class ModuleOf : public Module {
public:
    using Settings = S;

    explicit ModuleOf(const ModuleContext& context) : Module(context) {}

    // May change while the module runs, but for fixed ones; see settings_changed().
    const S& settings() const noexcept { return *static_cast<const S*>(settings_object()); }
};

template <class M>
ModuleDeclaration<M>::ModuleDeclaration(std::string name, std::string sentence) {
    static_assert(std::derived_from<M, Module>);
    class_.name = std::move(name);
    class_.sentence = std::move(sentence);
    if constexpr (requires { typename M::Settings; }) {
        class_.settings = &config::description_of<typename M::Settings>();
    }
    class_.make = [](const ModuleContext& context) -> std::unique_ptr<Module> {
        return std::make_unique<M>(context);
    };
}

template <class M>
ModuleClass ModuleDeclaration<M>::take() && {
    class_.api.add(make_api_function("discover", {}, &Module::discover));
    return std::move(class_);
}

}  // namespace weir
