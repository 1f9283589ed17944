#include "modules/system/server/fallback_calls.h"

#include "config/text/nearest_name.h"
#include "config/text/quoted.h"
#include "modules/system/server/module_table.h"

namespace weir {

FallbackCalls::FallbackCalls(Scheduler& scheduler, const ModuleTable& table,
                             const ModuleFinder& finder)
    : Subscriber(scheduler),
      table_(table),
      finder_(finder),
      all_calls_(match<ModuleApiCall>().make()) {
    set_daemon(true);
    begin();
}

FallbackCalls::~FallbackCalls() {
    scheduler().delist(*this);
}

void FallbackCalls::begin() {
    quitting_ = false;
    scheduler().enlist(*this);
    look_again();
}

// A new subscription lets blocked events leave their queues again.
void FallbackCalls::look_again() {
    scheduler().unsubscribe_all(*this);
    scheduler().subscribe_to_untaken(*this, all_calls_);
}

void FallbackCalls::quit() noexcept {
    quitting_ = true;
    try {
        look_again();
    } catch (...) {
        scheduler().log_exception("refusing calls");
    }
}

void FallbackCalls::matched(const Ref<Event>& event, Subscription&) noexcept {
    auto& call = event->as<ModuleApiCall>();
    if (call.ignorable() || !call.state->wanted()) {
        call.set_ignorable();
        return;
    }
    try {
        judge(call);
    } catch (...) {
        scheduler().log_exception("refusing a call");
    }
}

void FallbackCalls::judge(ModuleApiCall& call) {
    const std::string target(call.target.get());
    if (quitting_) {
        refuse(call, ApiError::rejected, "the server quits");
        return;
    }
    if (target == public_target) {
        refuse(call, ApiError::unknown_function,
               "no module has a public function '" + std::string(call.function.get()) +
                   "' that takes this call");
        return;
    }
    const std::string name = finder_.resolve(target);
    if (name != target) {
        call.set_ignorable();
        const ApiCall* const identity = call.state.get();
        scheduler().emergency_send(
            make_event<ModuleApiCall>(identity, name, call.function, call.state));
        return;
    }
    const ModuleEntry* entry = table_.find(name);
    if (entry == nullptr) {
        std::vector<std::string> known;
        for (const auto& [other, its] : table_.entries) {
            if (its.module != nullptr) known.push_back(other);
        }
        refuse(call, ApiError::unknown_module,
               "no module '" + target + "' is loaded" + config::did_you_mean(target, known));
        return;
    }
    switch (entry->state) {
        case ModuleState::loading:
        case ModuleState::loaded:
        case ModuleState::succeeded:
            return;  // it is about to take calls
        case ModuleState::failed:
            refuse(call, ApiError::unknown_module,
                   "the module '" + target + "' has failed: " + entry->reason);
            return;
        default:
            if (!entry->reloading) {
                refuse(call, ApiError::unknown_module,
                       "the module '" + target + "' is " + std::string(to_string(entry->state)));
            }
    }
}

void FallbackCalls::refuse(ModuleApiCall& call, std::string_view code, const std::string& message) {
    // It may contain a name as the caller has it.
    answer(scheduler(), call, {std::string(code), config::printable(message, message.size())});
}

}  // namespace weir
