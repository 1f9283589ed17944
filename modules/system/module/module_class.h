#pragma once

#include <concepts>
#include <functional>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/event/event_type.h"
#include "core/queue/queue.h"
#include "modules/system/call/api.h"
#include "modules/system/module/dependency.h"
#include "modules/system/module/handover.h"
#include "modules/system/module/module_metric.h"
#include "modules/system/module/module_queue_kind.h"

namespace weir::config {

class Configuration;
class Value;

}  // namespace weir::config

namespace weir {

class AppCheck;
class Module;
struct ModuleContext;

/// A queue that a module has.
struct ModuleQueue {
    std::string name;
    const EventType* event;  // whose events it takes
    std::string sentence;    // of a queue that the module makes itself
    // Of a queue that is made for it, at the root of the queue tree:
    int priority = 0;
    std::optional<QueueOptions> options = {};
};

/// One step of what happens in an app: an arrow of its picture (`weir graph`). Each end is an event
/// type, a function "module.function", or a thing of the settings, as a rule or a schedule.
struct Flow {
    enum class Kind { event, function, thing };
    struct End {
        Kind kind = Kind::thing;
        std::string name;

        friend bool operator==(const End&, const End&) = default;
    };

    End from;
    End to;
    std::string label = {};  // what it depends on; "" for nothing
};

/// What a plugin tells of its module before the module is made; declare_module() makes it.
/// Immutable. Lies in the plugin, and is destroyed with it.
struct ModuleClass {
    std::string name;      // of the plugin, and of its module unless the configuration names others
    std::string sentence;  // what it is for, without a full stop
    ApiVersion version;    // of its API
    std::string single;    // why a server has one module of it at most; "": it may have several
    std::vector<Dependency> dependencies;
    bool service = false;                           // unloads when no module depends on it any more
    const config::Description* settings = nullptr;  // of module.<name>; null: it has none
    Api api;
    std::vector<std::string> rights;       // what roles may allow beside the functions
    bool unload_for_fixed = false;         // a reload with other fixed settings is refused
    std::vector<Handover> handovers;       // the first that gives is what a next version is offered
    std::vector<const EventType*> events;  // for which server.queues may have queues
    std::vector<ModuleQueue> queues;
    std::vector<ModuleQueueKind> queue_kinds;  // which server.queues may name
    std::vector<ModuleMetric> metrics;
    std::function<std::unique_ptr<Module>(const ModuleContext&)> make;
    /// Checks what of the settings depends on the rest of the app; null: nothing does.
    void (*check)(const AppCheck& app) = nullptr;
    /// Returns as text what the module would do with an input, without doing it; null: it cannot
    /// tell. Throws ApiException if the input is wrong.
    std::string (*rehearse)(const AppCheck& app, const config::Value& input) = nullptr;
    /// Returns which events and functions the module leads to which, as the settings say; null: the
    /// settings say nothing of that.
    std::vector<Flow> (*flows)(const AppCheck& app) = nullptr;

    ModuleClass();
    ModuleClass(const ModuleClass&);
    ModuleClass(ModuleClass&&) noexcept;
    ModuleClass& operator=(const ModuleClass&);
    ModuleClass& operator=(ModuleClass&&) noexcept;
    ~ModuleClass();
};

namespace detail {

// The part of a ModuleDeclaration that does not depend on the module's type.
class ModuleDraft {
public:
    using Maker = std::unique_ptr<Module> (*)(const ModuleContext& context);

    ModuleDraft(std::string name, std::string sentence, const config::Description* settings,
                Maker maker);
    ModuleDraft(ModuleDraft&&) noexcept;
    ~ModuleDraft();

    // Returns the whole class, with the function `discover` that every module has.
    ModuleClass take();

protected:
    void set_single(std::string why);
    void add_dependency(std::string name, std::string default_implementation);
    Dependency& last_dependency();
    void add_handover(Handover handover);
    void add_event(const EventType& event);
    void add_queue(std::string name, const EventType& event, std::string sentence, int priority,
                   std::optional<QueueOptions> options);
    void add_function(ApiFunction function, bool is_public);
    void set_reads(std::initializer_list<std::string_view> functions);
    void set_rights(std::initializer_list<std::string_view> rights);
    void add_queue_kind(ModuleQueueKind kind);
    void add_metric(ModuleMetric metric);

    ModuleClass class_;
};

}  // namespace detail

// Describes a module in its `static auto declare()`:
//
//     static auto declare() {
//         return weir::declare_module<Hello>("hello", "Greets its callers")
//             .depends_on("clock")
//             .function("greet", &Hello::greet)
//             .function("count", "How many were greeted so far", &Hello::count);
//     }
template <class M>
class ModuleDeclaration : public detail::ModuleDraft {
public:
    explicit ModuleDeclaration(std::string name, std::string sentence);

    /// Says which version the API has; otherwise it is 1.0.
    ModuleDeclaration&& version(std::uint32_t major, std::uint32_t minor) && {
        class_.version = {major, minor};
        return std::move(*this);
    }
    /// Says that a server has at most one module of this plugin, and why: "its locks are those of
    /// the whole server". A plugin that declares a queue() is single anyway.
    ModuleDeclaration&& single(std::string why) && {
        set_single(std::move(why));
        return std::move(*this);
    }
    /// Names a module that loads before this one and unloads after it. With a default, `name` may
    /// be an interface.
    ModuleDeclaration&& depends_on(std::string name, std::string default_implementation = {}) && {
        add_dependency(std::move(name), std::move(default_implementation));
        return std::move(*this);
    }
    /// Requires of the dependency that was named last that its API has this major version, and this
    /// minor version or a later one.
    ModuleDeclaration&& at_least(std::uint32_t major, std::uint32_t minor) && {
        last_dependency().least = ApiVersion{major, minor};
        return std::move(*this);
    }
    /// Says that the module works without the dependency that was named last: it is not loaded for
    /// this module, may come and go, and comes first if both are loaded at a time. See Module::has.
    ModuleDeclaration&& optional() && {
        last_dependency().optional = true;
        return std::move(*this);
    }
    /// Unloads the module when no other module depends on it any more, unless it was loaded by
    /// name.
    ModuleDeclaration&& service() && {
        class_.service = true;
        return std::move(*this);
    }
    /// Keeps state across reloads: `giver` takes it out of the old version, and `taker` puts it
    /// into the new version. A `taker` refuses it by throwing before it has changed the state,
    /// which then goes back to the old version. The loader calls both in one step, after the calls
    /// under way have ended, unless `calls` lets them go on. Without this, a new version starts
    /// fresh.
    template <HandedOver S>
    ModuleDeclaration&& hands_over(S (M::*giver)(), void (M::*taker)(S&),
                                   CallsUnderWay calls = CallsUnderWay::end_first) && {
        add_handover(make_handover<S, M>(giver, taker, calls));
        return std::move(*this);
    }
    /// Takes over the state of older versions too.
    template <HandedOver S>
    ModuleDeclaration&& takes_over(void (M::*taker)(S&)) && {
        add_handover(make_handover<S, M>(nullptr, taker));
        return std::move(*this);
    }
    /// Lets the configuration make queues for the events of this type.
    template <EventClass E>
    ModuleDeclaration&& event() && {
        add_event(event_type<E>());
        return std::move(*this);
    }
    /// Gives the module a queue of its own for the events of this type, at the root of the queue
    /// tree: it exists from before load() until the module is unloaded; see Module::add_queue.
    template <EventClass E>
    ModuleDeclaration&& queue(std::string name, int priority, QueueOptions options = {}) && {
        add_queue(std::move(name), event_type<E>(), {}, priority, std::move(options));
        return std::move(*this);
    }
    /// Documents a queue for the events of this type that the module makes itself.
    template <EventClass E>
    ModuleDeclaration&& makes_queue(std::string name, std::string sentence) && {
        add_queue(std::move(name), event_type<E>(), std::move(sentence), 0, {});
        return std::move(*this);
    }
    /// Adds a kind of queues, which `server.queues` may name. `make` is a LeafQueueFactory (const
    /// S&); S describes what such a queue has at `settings`. A queue of that kind is removed, with
    /// what is in it, when the module unloads.
    template <config::Described S, class F>
    ModuleDeclaration&& queue_kind(std::string name, std::string sentence, F make) && {
        add_queue_kind(make_queue_kind<S>(std::move(name), std::move(sentence), std::move(make)));
        return std::move(*this);
    }
    /// The same for a kind without settings.
    ModuleDeclaration&& queue_kind(std::string name, std::string sentence,
                                   LeafQueueFactory factory) && {
        add_queue_kind(make_queue_kind(std::move(name), std::move(sentence), std::move(factory)));
        return std::move(*this);
    }
    /// Adds a metric that only grows: the text for Prometheus has it as
    /// weir_<plugin>_<name>_total, with the label `module` if the module has another name. The
    /// value is a member of the module: a number, a const function that returns one, or, for
    /// several values with labels, a `void (MetricFamily&) const` that adds them. It is read when
    /// metrics are collected, so that counting is an increment.
    template <class V>
    ModuleDeclaration&& counter(std::string name, std::string sentence, V value) && {
        add_metric(make_module_metric<M>(MetricKind::counter, std::move(name), std::move(sentence),
                                         value));
        return std::move(*this);
    }
    /// The same for a metric that goes up and down: weir_<plugin>_<name>.
    template <class V>
    ModuleDeclaration&& gauge(std::string name, std::string sentence, V value) && {
        add_metric(
            make_module_metric<M>(MetricKind::gauge, std::move(name), std::move(sentence), value));
        return std::move(*this);
    }
    /// The same for durations, of which the member is a Histogram: weir_<plugin>_<name>_seconds.
    template <class V>
    ModuleDeclaration&& histogram(std::string name, std::string sentence, V value) && {
        add_metric(make_module_metric<M>(MetricKind::histogram, std::move(name),
                                         std::move(sentence), value));
        return std::move(*this);
    }
    /// Adds a function of the API. The struct of its parameters says what it does.
    template <class F>
    ModuleDeclaration&& function(std::string name, F member) && {
        add_function(make_api_function(std::move(name), {}, member), false);
        return std::move(*this);
    }
    template <class F>
    ModuleDeclaration&& function(std::string name, std::string sentence, F member) && {
        add_function(make_api_function(std::move(name), std::move(sentence), member), false);
        return std::move(*this);
    }
    /// Adds a function that callers may also call at the target "public", without naming the
    /// module. With criteria, a `bool (const P&) const` of the module, it takes only the calls for
    /// which they hold.
    template <class F>
    ModuleDeclaration&& public_function(std::string name, std::string sentence, F member) && {
        add_function(make_api_function(std::move(name), std::move(sentence), member), true);
        return std::move(*this);
    }
    template <class F, class P>
    ModuleDeclaration&& public_function(std::string name, std::string sentence, F member,
                                        bool (M::*criteria)(const P&) const) && {
        ApiFunction made = make_api_function(std::move(name), std::move(sentence), member);
        set_criteria(made, criteria);
        add_function(std::move(made), true);
        return std::move(*this);
    }
    /// Says that what the module hands over depends on its fixed settings: it refuses a reload when
    /// one has changed, which takes effect when the module is unloaded and loaded again.
    ModuleDeclaration&& needs_unloading_for_fixed_settings() && {
        class_.unload_for_fixed = true;
        return std::move(*this);
    }
    /// Lets `check` look at settings that depend on the rest of the app, such as names of functions
    /// of other modules, and report their mistakes. Called whenever a configuration is checked,
    /// also for `weir check`, and without the module.
    ModuleDeclaration&& checks(void (*check)(const AppCheck& app)) && {
        class_.check = check;
        return std::move(*this);
    }
    /// Lets `weir MODULE test` say what the module would do with an input; see
    /// ModuleClass::rehearse.
    ModuleDeclaration&& rehearses(std::string (*rehearse)(const AppCheck& app,
                                                          const config::Value& input)) && {
        class_.rehearse = rehearse;
        return std::move(*this);
    }
    /// Lets `weir graph` show what the settings connect; see ModuleClass::flows.
    ModuleDeclaration&& shows_flows(std::vector<Flow> (*flows)(const AppCheck& app)) && {
        class_.flows = flows;
        return std::move(*this);
    }
    /// Says that these functions, which were added before, show something and change nothing:
    /// callers that may only read may call them.
    ModuleDeclaration&& reads(std::initializer_list<std::string_view> functions) && {
        set_reads(functions);
        return std::move(*this);
    }

    /// Names what roles may allow beside the functions, as something that a function does for some
    /// callers only: Caller::may({name(), "sessions_of_others"}).
    ModuleDeclaration&& rights(std::initializer_list<std::string_view> names) && {
        set_rights(names);
        return std::move(*this);
    }
};

template <class M>
ModuleDeclaration<M> declare_module(std::string name, std::string sentence) {
    return ModuleDeclaration<M>(std::move(name), std::move(sentence));
}

/// Returns the class of M, from its `declare()`.
template <class M>
const ModuleClass& module_class() {
    static const ModuleClass made = M::declare().take();
    return made;
}

/// The modules that a program brings itself, without plugins: weir::Registry{}.add<Hello>().
class Registry {
public:
    template <class M>
    Registry& add() {
        return add(module_class<M>());
    }
    /// Adds a class, which must outlive the registry's use.
    Registry& add(const ModuleClass& added) {
        classes_.push_back(&added);
        return *this;
    }

    const std::vector<const ModuleClass*>& classes() const noexcept { return classes_; }
    const ModuleClass* find(std::string_view name) const noexcept {
        for (const ModuleClass* known : classes_) {
            if (known->name == name) {
                return known;
            }
        }
        return nullptr;
    }

private:
    std::vector<const ModuleClass*> classes_;
};

}  // namespace weir
