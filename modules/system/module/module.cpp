#include "modules/system/module/module.h"

#include <algorithm>
#include <cassert>
#include <new>
#include <set>
#include <stdexcept>

#include "config/text/nearest_name.h"
#include "config/text/quoted.h"
#include "core/base/safe_text.h"
#include "core/run/routine.h"
#include "core/wait/send.h"
#include "modules/system/call/caller.h"
#include "modules/system/call/json.h"
#include "modules/system/module/module_part.h"
#include "modules/system/module/serving_event.h"

namespace weir {

namespace {

// Runs a function that is no coroutine in a routine nevertheless, so that a tracer sees it.
Task<> run_traced(const ApiFunction& function, Module& module, Ref<ApiCall> call) {
    detail::Answering answering(function, std::move(call), co_await this_routine());
    try {
        function.plain(function, module, answering.call());
    } catch (...) {
        answering.answer_with_exception();
    }
    if (answering.end()) {
        co_await send(answering.reply());
        answering.set_sent();
    }
}

Task<> send_reply(Ref<Event> reply) {
    co_await send(std::move(reply));
}

// Returns the names of the routines that run the functions, in their order.
std::vector<RoutineName> names_of_calls(const std::string& module, const Api& api) {
    std::vector<RoutineName> names;
    for (const ApiFunction& function : api.functions()) {
        names.emplace_back(module + '.' + function.name);
    }
    return names;
}

}  // namespace

config::Settings<DiscoverParameters> DiscoverParameters::describe() {
    return config::settings<DiscoverParameters>(
        "Tells which functions there are",
        config::setting("details", &DiscoverParameters::details,
                        "With parameters and results, for programs"));
}

Module::Module(const ModuleContext& context)
    : Container(context.scheduler),
      server_(context.server),
      access_(context.access),
      events_(context.events),
      type_(context.type),
      name_(context.name),
      log_(context.scheduler, name_, context.log_level),
      settings_(context.settings),
      functions_(*this),
      call_names_(names_of_calls(name_, type_.api)),
      calls_(context.scheduler),
      holds_(new Holds) {}

// Routines refer to members of the derived class: the loader has closed them.
Module::~Module() = default;

Task<> Module::load() {
    co_return;
}

Task<> Module::unload() {
    co_return;
}

void Module::retire() {
    close();
}

void Module::settings_changed_from(const void*) {
    settings_changed();
}

bool Module::has(std::string_view dependency) const noexcept {
    const auto found = std::ranges::find(optional_, dependency, &OptionalDependency::name);
    return found == optional_.end()
               ? std::ranges::find(type_.dependencies, dependency, &Dependency::name) !=
                     type_.dependencies.end()
               : found->there;
}

Json Module::discover(const DiscoverParameters& parameters) const {
    if (parameters.details) {
        return type_.api.to_json();
    }
    Json json = Json::object();
    for (const ApiFunction& function : type_.api.functions()) {
        json[function.name] = function.sentence;
    }
    return json;
}

Ref<Queue> Module::add_queue(Queue& parent, std::string queue_name, int priority, Matcher matcher,
                             QueueOptions options) {
    if (predecessor_ != nullptr && !queue_name.empty()) {
        for (const Ref<Queue>& queue : predecessor_->queues_) {
            if (queue->name() != queue_name || queue->parent() != &parent) {
                continue;
            }
            if (!std::ranges::equal(queue->matcher().path(), matcher.path())) {
                throw std::invalid_argument("the queue '" + queue_name +
                                            "' of the version that runs takes other events, or "
                                            "events of another layout: " +
                                            queue->matcher().describe() + ", not " +
                                            matcher.describe());
            }
            adopted_.push_back({queue, priority});
            return queue;
        }
    }
    queues_.emplace_back();  // first, so that no queue is without its module
    try {
        queues_.back() =
            parent.add(std::move(queue_name), priority, std::move(matcher), std::move(options));
    } catch (...) {
        queues_.pop_back();
        throw;
    }
    return queues_.back();
}

void Module::add_declared_queues() {
    for (const ModuleQueue& queue : type_.queues) {
        if (queue.options) {
            add_queue(scheduler().queue(), queue.name, queue.priority, Matcher(*queue.event),
                      *queue.options);
        }
    }
}

// --- answering calls

namespace {

// Without memory for the event, calls that wait return at their own time.
void tell_serving(const Module& module) noexcept {
    Scheduler& scheduler = module.scheduler();
    try {
        if (scheduler.notices(event_type<ModuleServing>())) {
            scheduler.emergency_send(make_event<ModuleServing>(&module));
        }
    } catch (...) {
        scheduler.log_exception("telling calls of the module '" + module.name() + "' to end");
    }
}

}  // namespace

void Module::serve() {
    call_statistics_.resize(type_.api.functions().size());
    functions_.take_calls_of(match<ModuleApiCall>().with(&ModuleApiCall::target, name()).make());
    std::set<std::string> public_names;
    for (const ApiFunction& function : type_.api.functions()) {
        if (function.is_public && public_names.insert(function.name).second) {
            functions_.take_calls_of(match<ModuleApiCall>()
                                         .with(&ModuleApiCall::target, public_target)
                                         .with(&ModuleApiCall::function, function.name)
                                         .make());
        }
    }
    tell_serving(*this);
}

void Module::stop_serving() noexcept {
    if (serving()) {
        functions_.stop();
        tell_serving(*this);
    }
}

void Module::Functions::take_calls_of(const Matcher& matcher) {
    scheduler().subscribe(*this, matcher);
    scheduler().enlist(*this);
}

void Module::Functions::matched(const Ref<Event>& event, Subscription&) noexcept {
    module_.take(event->as<ModuleApiCall>());
}

void Module::Functions::stop() noexcept {
    scheduler().delist(*this);
}

void Module::reserve_for_replacement(std::size_t adopted_in_all) {
    queues_.reserve(queues_.size() + adopted_.size());
    for (const Adopted& adopted : adopted_) {
        if (Queue* parent = adopted.queue->parent()) {
            parent->make_room(adopted.priority, adopted_in_all);
        }
    }
    for (ModulePart& part : parts_) {
        part.prepare_to_take_over();
    }
}

void Module::replace_predecessor() {
    assert(predecessor_ != nullptr && queues_.capacity() >= queues_.size() + adopted_.size());
    for (Adopted& adopted : adopted_) {
        std::erase(predecessor_->queues_, adopted.queue);
        if (Queue* parent = adopted.queue->parent()) {
            parent->set_priority(*adopted.queue, adopted.priority);
        }
        queues_.push_back(std::move(adopted.queue));
    }
    adopted_.clear();
    for (ModulePart& part : parts_) {
        part.take_over();
    }
    predecessor_ = nullptr;
}

Task<> Module::end_work() {
    for (ModulePart& part : parts_) {
        co_await part.end();
    }
    co_await unload();
}

void Module::go_on() noexcept {
    try {
        for (ModulePart& part : parts_) {
            part.go_on();
        }
        unload_refused();
    } catch (...) {
        scheduler().log_exception("unload_refused() of the module '" + name_ + "' ended");
    }
}

void Module::close_all() noexcept {
    calls_.close();
    close();
}

void Module::take(ModuleApiCall& event) noexcept {
    if (!event.state->wanted()) {
        event.set_ignorable();
    }
    if (event.ignorable()) {
        return;
    }
    try {
        if (std::optional<ApiError> refusal = try_to_run(event)) {
            answer(scheduler(), event, *std::move(refusal));
        }
    } catch (...) {
        scheduler().log_exception(safe_text([&] { return "a handler of " + event.describe(); }));
    }
}

// Checks each call from outside, on whichever route it came: here it is known which function of
// which module it is for. A public call that no function of this module takes is left to other
// modules, and refused by the loader at last.
std::optional<ApiError> Module::try_to_run(ModuleApiCall& event) {
    const Api& api = type_.api;
    std::optional<ApiError> refusal;
    const ApiFunction* const first = api.find(event.function.value());
    // A module may be named as the target of public calls is; its own functions come first.
    const bool is_public =
        event.target == public_target && !(name_ == public_target && first != nullptr);
    for (const ApiFunction* function = first; function != nullptr; function = api.next(*function)) {
        if (is_public && !function->is_public) {
            continue;
        }
        try {
            if (const Caller* const client = event.state->client.get()) {
                client->require({name_, function->name, function->reads});
            }
            if (function->takes(*this, *event.state)) {
                event.set_ignorable();
                run(*function, event.state);
                return std::nullopt;
            }
        } catch (...) {
            refusal = current_api_error();
        }
    }
    if (is_public && !(refusal && refusal->code == ApiError::denied)) {
        return std::nullopt;
    }
    if (!refusal && first != nullptr) {
        refusal = {std::string(ApiError::rejected),
                   name_ + '.' + first->name + " does not take a call with these parameters"};
    } else if (!refusal) {
        const std::string_view name = event.function;
        refusal = {std::string(ApiError::unknown_function),
                   "the module '" + name_ + "' has no function '" + config::printable(name) + "'" +
                       config::did_you_mean(name, api.names())};
    }
    return refusal;
}

// A function that is no coroutine needs no routine, unless a tracer looks or the queue of the
// replies is full.
void Module::run(const ApiFunction& function, const Ref<ApiCall>& call) {
    const std::size_t position = type_.api.position_of(function);
    const RoutineName& routine_name = call_names_[position];
    call->module = name_;
    call->statistics = &call_statistics_[position];
    if (function.plain == nullptr || scheduler().traced()) {
        calls_.start(function.plain == nullptr ? function.coroutine(function, *this, call)
                                               : run_traced(function, *this, call),
                     {.name = routine_name, .foreground = true});
        return;
    }
    try {
        function.plain(function, *this, *call);
    } catch (...) {
        detail::answer_with_exception(function, *call, scheduler());
    }
    call->count(function, scheduler());
    if (!call->wanted()) {
        return;
    }
    Ref<Event> reply = call->take_reply();
    if (scheduler().try_send(reply)) {
        calls_.start(send_reply(std::move(reply)), {.name = routine_name});
    }
}

}  // namespace weir
