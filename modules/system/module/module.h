#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/settings/settings.h"
#include "core/base/list.h"
#include "core/queue/queue.h"
#include "core/run/container.h"
#include "core/run/subscriber.h"
#include "modules/system/call/call.h"
#include "modules/system/call/call_statistics.h"
#include "modules/system/module/holds.h"
#include "modules/system/module/module_class.h"
#include "modules/system/module/module_events.h"
#include "modules/system/module/module_log.h"

namespace weir {

class Access;
class EventExchange;
class ModulePart;
class Server;

// What a module is made with; its constructor hands it on.
struct ModuleContext {
    Scheduler& scheduler;
    Server& server;
    Access& access;
    EventExchange& events;
    const ModuleClass& type;
    std::string name;                // of the module: the plugin's, or another
    std::shared_ptr<void> settings;  // of the type that `type.settings` describes
    LogLevel log_level = LogLevel::info;
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
    // The name under which it is loaded, configured and called: that of its plugin, or another that
    // the configuration gives to one of several modules of a plugin.
    const std::string& name() const noexcept { return name_; }
    ModuleState state() const noexcept { return state_; }
    Server& server() const noexcept { return server_; }
    // Who may log in, for modules that serve clients.
    Access& access() const noexcept { return access_; }
    // Where events enter and leave the server as data: modules/system/event/event_exchange.h.
    EventExchange& events() const noexcept { return events_; }
    // Logs in the module's name, from the level on that the configuration has for it.
    const ModuleLog& log() const noexcept { return log_; }

    // Whether an optional dependency, by the name that declare() has, works now, with an API of the
    // version that is needed. One that is not optional always does.
    bool has(std::string_view dependency) const noexcept;

    // Function of every module's API: names of the functions with what they do, or all that is
    // known about them.
    Json discover(const DiscoverParameters& parameters) const;

    // To be overridden:

    // Prepares the module: starts routines, opens what it needs. When this has ended, the module
    // may be called, and those that depend on it load.
    virtual Task<> load();
    // Begins to work: called when load() has ended; in a reload, in the moment in which the module
    // takes the place of the old version. What two versions must not do at a time begins here:
    // routines that receive events, that write.
    virtual void begin() {}
    // A new version has taken the place of this one. Calls that are under way go on, and unload()
    // follows when they have ended. Here: closes all other routines of the module.
    virtual void retire();
    // Prepares the end: shuts connections down, waits for what must not be cut off. No call is
    // under way any more, and none comes; parts, as listeners, have ended. All routines are closed
    // afterwards. Unwound when it takes longer than the module's `unload_timeout`: unloading is
    // refused then, unless it is forced or unload() has called commit_unload().
    virtual Task<> unload();
    // Unloading was refused after unload() had begun: the module works on. Here: starts again what
    // unload() has ended. The module takes calls again when this returns. What it throws is logged.
    virtual void unload_refused() {}
    // Returns what holds the module in use, one line each, as "lock 'a' held by ...". As long as
    // there is any, unloading is refused unless it is forced.
    virtual std::vector<std::string> in_use() const { return {}; }
    // Returns whether the state that declare() lets the module hand over is complete now; false,
    // for example, while a file is written. A reload waits for that up to `drain_timeout`. No call
    // is under way then, unless the module lets them go on.
    virtual bool can_hand_over() const { return true; }
    // The settings have changed, but for fixed ones, and are already in place. For modules with
    // settings: see ModuleOf.
    virtual void settings_changed() {}
    // An optional dependency, by the name that declare() has, has come (has() is true), or is about
    // to go. Not called before load() for what is there then. What it throws is logged.
    virtual void dependency_changed(const std::string& dependency) { (void)dependency; }
    // The configuration was read again (SIGHUP), whether or not settings have changed. Here: reads
    // again the files that the settings name, such as certificates. What it throws is logged.
    virtual void read_files_again() {}

    // Adds a subqueue that belongs to the module: it is removed, with what is in it, when the
    // module unloads. A module that replaces another gets the queue of the same name that the old
    // version has, with what is in it and as it is, but for the priority. A queue of a kind that
    // the plugin brings keeps the old version's code, and that library stays in memory as long as
    // the queue exists. Throws std::invalid_argument if the queue takes other events.
    Ref<Queue> add_queue(Queue& parent, std::string queue_name, int priority, Matcher matcher,
                         QueueOptions options = {});
    // What was counted of the calls of its functions since this version began to take calls, in the
    // order of Api::functions(). Empty before that.
    const std::vector<CallStatistics>& call_statistics() const noexcept { return call_statistics_; }
    // The calls of its functions that are under way, a routine each.
    const List<Routine, Container>& calls() const noexcept { return calls_.routines(); }
    // Keeps the module from being unloaded, unless that is forced, and its code in memory, as long
    // as the Hold lives: for what other code needs of it.
    std::unique_ptr<Hold> hold(std::string what) {
        return std::make_unique<Hold>(holds_, std::move(what));
    }

    // --- for the loader alone

    void set_state(ModuleState state) noexcept { state_ = state; }
    void set_log_level(LogLevel level) noexcept { log_.set_least(level); }
    const void* settings_object() const noexcept { return settings_.get(); }
    std::shared_ptr<void> exchange_settings(std::shared_ptr<void> settings) noexcept {
        return std::exchange(settings_, std::move(settings));
    }
    // As settings_changed(), with what they were before.
    virtual void settings_changed_from(const void* before);

    // An optional dependency, as the configuration chooses it.
    struct OptionalDependency {
        std::string name;
        std::string module;
        bool there = false;
    };
    std::vector<OptionalDependency>& optional_dependencies() noexcept { return optional_; }

    // Takes calls from now on.
    void serve();
    bool serving() const noexcept { return !functions_.subscriptions().empty(); }
    void stop_serving() noexcept;
    void close_calls() noexcept { calls_.close(); }
    // Ends the parts in order, and then unload()s.
    Task<> end_work();
    // Whether unload() has come to where it cannot be refused any more.
    bool unload_committed() const noexcept { return unload_committed_; }
    // Undoes end_work(), as far as it has come: unloading was refused.
    void go_on() noexcept;
    void close_all() noexcept;
    const Ref<Holds>& holds() const noexcept { return holds_; }

    // The queues that the module has added and that are there.
    std::vector<Ref<Queue>>& queues() noexcept { return queues_; }
    // Makes the queues that the module declares.
    void add_declared_queues();

    // In a reload: the version whose place this one is to take, until it has done so.
    void set_predecessor(Module* predecessor) noexcept { predecessor_ = predecessor; }
    void forget_predecessor() noexcept {
        predecessor_ = nullptr;
        adopted_.clear();
    }
    Module* predecessor() const noexcept { return predecessor_; }
    // What passes on to the next version beside queues and handed-over state.
    List<ModulePart, Module>& parts() noexcept { return parts_; }
    // How many queues of the predecessor become this module's.
    std::size_t adopted_queues() const noexcept { return adopted_.size(); }
    // Reserves memory, so that replace_predecessor() cannot fail, for the queues that all modules
    // adopt that are replaced in one step: they may stand under one parent.
    void reserve_for_replacement(std::size_t adopted_in_all);
    // Takes the place of the predecessor: its queues and parts are this module's. Requires
    // reserve_for_replacement().
    void replace_predecessor();

protected:
    // Whether this is made to take the place of a version that runs, and has not done so yet.
    bool replaces() const noexcept { return predecessor_ != nullptr; }
    // For unload(), before it ends what unload_refused() could not begin again, as a session with a
    // server: from here on unloading is not refused. What unload() then does not end in time, or
    // for lack of memory, is logged.
    void commit_unload() noexcept { unload_committed_ = true; }

private:
    struct Adopted {
        Ref<Queue> queue;
        int priority;
    };

    // Receives the calls of the module's functions.
    class Functions final : public Subscriber {
    public:
        explicit Functions(Module& module) noexcept
            : Subscriber(module.scheduler()), module_(module) {
            set_daemon(true);  // the server decides what keeps it running
        }
        ~Functions() { stop(); }

        void take_calls_of(const Matcher& matcher);
        void stop() noexcept;

    private:
        void matched(const Ref<Event>& event, Subscription& subscription) noexcept override;
        void quit() noexcept override { stop(); }
        void close_at_end() noexcept override { stop(); }

        Module& module_;
    };

    void take(ModuleApiCall& event) noexcept;
    // Runs the function that takes the call. Returns why none does; nothing if it may be taken by
    // other modules.
    std::optional<ApiError> try_to_run(ModuleApiCall& event);
    void run(const ApiFunction& function, const Ref<ApiCall>& call);

    Server& server_;
    Access& access_;
    EventExchange& events_;
    const ModuleClass& type_;
    const std::string name_;
    ModuleLog log_;
    std::shared_ptr<void> settings_;
    std::vector<OptionalDependency> optional_;
    ModuleState state_ = ModuleState::not_loaded;
    bool unload_committed_ = false;
    Functions functions_;
    std::vector<CallStatistics> call_statistics_;  // before the calls, which count in them
    const std::vector<RoutineName> call_names_;    // of the routines that run its functions
    Container calls_;  // apart: they go on when a new version has taken the module's place
    std::vector<Ref<Queue>> queues_;
    Module* predecessor_ = nullptr;
    std::vector<Adopted> adopted_;  // of the predecessor, from when this takes its place
    List<ModulePart, Module> parts_;
    Ref<Holds> holds_;  // shared with the Holds, which may outlive the module
};

// A module with settings, which the configuration has at module.<name>.
template <config::Described S>
class ModuleOf : public Module {
public:
    using Settings = S;

    explicit ModuleOf(const ModuleContext& context) : Module(context) {}

    // May change while the module runs, but for fixed ones; see settings_changed().
    const S& settings() const noexcept { return *static_cast<const S*>(settings_object()); }

    using Module::settings_changed;
    // The settings have changed, but for fixed ones: `settings()` are the new ones already.
    virtual void settings_changed(const S& before) {
        (void)before;
        settings_changed();
    }

    void settings_changed_from(const void* before) final {
        settings_changed(*static_cast<const S*>(before));
    }
};

namespace detail {

template <class M>
inline constexpr bool is_module =
    std::derived_from<M, Module> && std::constructible_from<M, const ModuleContext&>;

template <class M>
const config::Description* settings_of() {
    if constexpr (requires { typename M::Settings; }) {
        return &config::description_of<typename M::Settings>();
    } else {
        return nullptr;
    }
}

}  // namespace detail

template <class M>
ModuleDeclaration<M>::ModuleDeclaration(std::string name, std::string sentence)
    : ModuleDraft(std::move(name), std::move(sentence), detail::settings_of<M>(),
                  [](const ModuleContext& context) -> std::unique_ptr<Module> {
                      if constexpr (detail::is_module<M>) {
                          return std::make_unique<M>(context);
                      } else {
                          return nullptr;
                      }
                  }) {
    static_assert(std::derived_from<M, Module>,
                  "a module derives from weir::Module, or from weir::ModuleOf<its settings>");
    static_assert(
        !std::derived_from<M, Module> || detail::is_module<M>,
        "a module needs a public constructor that takes a const ModuleContext&, as `using "
        "Module::Module;` or `using ModuleOf::ModuleOf;` gives it, and to define every "
        "function that its bases leave open");
}

}  // namespace weir
