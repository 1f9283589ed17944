#include "modules/system/module/module.h"

#include <algorithm>
#include <new>
#include <set>
#include <stdexcept>

#include "config/text/nearest_name.h"
#include "config/text/quoted.h"
#include "core/base/safe_text.h"
#include "core/run/routine.h"
#include "core/wait/send.h"
#include "modules/system/call/json.h"

namespace weir {

namespace {

// Answers a call whose function was unwound before it could.
class AnswerGuard {
public:
    // The class of a module outlives its calls.
    AnswerGuard(const Module& module, Ref<ApiCall> call)
        : scheduler_(module.scheduler()), type_(module.type()), call_(std::move(call)) {
        reply = take_reply(call_);
    }
    AnswerGuard(const AnswerGuard&) = delete;
    AnswerGuard& operator=(const AnswerGuard&) = delete;
    ~AnswerGuard() {
        call_->callee.reset();
        if (answered || call_->given_up) {
            return;
        }
        try {
            if (!call_->result) {
                call_->result.emplace(ApiError{std::string(ApiError::rejected), why()});
            }
            scheduler_.emergency_send(reply);
        } catch (...) {
            scheduler_.log_exception("answering a call");
        }
    }

    Ref<Event> reply;
    bool answered = false;

private:
    std::string why() const noexcept {
        try {
            return "the module '" + type_.name + "' was unloaded during the call";
        } catch (const std::bad_alloc&) {
            return {};
        }
    }

    Scheduler& scheduler_;
    const ModuleClass& type_;
    Ref<ApiCall> call_;
};

const Caller& caller_of(const ApiCall& call) noexcept {
    return call.caller == nullptr ? Caller::inside() : *call.caller;
}

// Whether what was thrown is an answer that the function means to give, or the server is quitting.
bool is_answer() {
    try {
        throw;
    } catch (const ApiException&) {
        return true;
    } catch (const QuitException&) {
        return true;
    } catch (...) {
        return false;
    }
}

Task<> run_call(Module& module, const ApiFunction& function, Ref<ApiCall> call) {
    AnswerGuard guard(module, call);
    Routine& self = co_await this_routine();
    call->callee = Ref<Routine>(&self);
    const Caller& caller = caller_of(*call);
    try {
        ApiValue result;
        if (function.plain != nullptr) {
            result =
                function.plain(function.member, module, caller, call->parameters, call->wants_json);
        } else {
            result = co_await function.coroutine(function.member, module, caller,
                                                 std::move(call->parameters), call->wants_json);
        }
        if (call->given_up) {
            co_return;
        }
        call->result.emplace(std::move(result));
    } catch (...) {
        if (!is_answer()) {
            module.scheduler().log_exception(safe_text(
                [&] { return "the function " + module.name() + "." + function.name + " ended"; }));
        }
        if (call->given_up) {
            co_return;
        }
        call->result.emplace(current_api_error());
    }
    guard.answered = co_await send(guard.reply);
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
      type_(context.type),
      functions_keep_server_(context.functions_keep_server),
      log_(context.scheduler, type_.name, context.log_level),
      settings_(context.settings),
      handler_(context.scheduler),
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
                                            "' of the version that runs takes other events");
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

void Module::serve() {
    // Every module has `discover`; one with more functions is there to be called.
    const bool is_for_callers = type_.api.functions().size() > 1;
    handler_.set_daemon(!(is_for_callers && functions_keep_server_));
    handler_.handle(match<ModuleApiCall>().with(&ModuleApiCall::target, name()).make(),
                    [this](const Ref<Event>& event) {
                        take(Ref<ModuleApiCall>(&event->as<ModuleApiCall>()), false);
                    });
    std::set<std::string> public_names;
    for (const ApiFunction& function : type_.api.functions()) {
        if (!function.is_public || !public_names.insert(function.name).second) {
            continue;
        }
        handler_.handle(match<ModuleApiCall>()
                            .with(&ModuleApiCall::target, "public")
                            .with(&ModuleApiCall::function, function.name)
                            .make(),
                        [this](const Ref<Event>& event) {
                            take(Ref<ModuleApiCall>(&event->as<ModuleApiCall>()), true);
                        });
    }
}

void Module::stop_serving() noexcept {
    handler_.stop_all();
}

void Module::reserve_for_replacement(std::size_t adopted_in_all) {
    queues_.reserve(queues_.size() + adopted_.size());
    for (const Adopted& adopted : adopted_) {
        if (Queue* parent = adopted.queue->parent()) {
            parent->make_room(adopted.priority, adopted_in_all);
        }
    }
}

void Module::replace_predecessor() {
    for (Adopted& adopted : adopted_) {
        std::erase(predecessor_->queues_, adopted.queue);
        if (Queue* parent = adopted.queue->parent()) {
            parent->set_priority(*adopted.queue, adopted.priority);
        }
        queues_.push_back(std::move(adopted.queue));
    }
    adopted_.clear();
    predecessor_ = nullptr;
}

void Module::close_all() noexcept {
    calls_.close();
    close();
}

// Here every call from outside is checked, on whichever route it came: by now it is known which
// function of which module it is for. A public call that no function of this module takes is left
// to other modules, and refused by the loader at last.
void Module::take(const Ref<ModuleApiCall>& event, bool is_public) {
    if (event->ignorable() || event->state->given_up) {
        event->set_ignorable();
        return;
    }
    const std::string_view name = event->function;
    std::optional<ApiError> refusal;
    for (const ApiFunction& function : type_.api.functions()) {
        if (function.name != name || (is_public && !function.is_public)) {
            continue;
        }
        try {
            caller_of(*event->state).require({type_.name, function.name, function.reads});
            if (function.takes(*this, event->state->parameters)) {
                event->set_ignorable();
                calls_.start(run_call(*this, function, event->state),
                             {.name = type_.name + '.' + function.name, .foreground = true});
                return;
            }
        } catch (...) {
            refusal = current_api_error();
        }
    }
    if (is_public && !(refusal && refusal->code == ApiError::denied)) {
        return;
    }
    if (!refusal && type_.api.has(name)) {
        refusal = {
            std::string(ApiError::rejected),
            type_.name + "." + std::string(name) + " does not take a call with these parameters"};
    } else if (!refusal) {
        refusal = {std::string(ApiError::unknown_function),
                   "the module '" + type_.name + "' has no function '" + config::printable(name) +
                       "'" + config::did_you_mean(name, type_.api.names())};
    }
    answer(scheduler(), *event, *std::move(refusal));
}

}  // namespace weir
