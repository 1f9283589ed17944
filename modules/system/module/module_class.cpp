#include "modules/system/module/module_class.h"

#include <algorithm>
#include <stdexcept>

#include "modules/system/call/json.h"
#include "modules/system/module/module.h"

namespace weir {

ModuleClass::ModuleClass() = default;
ModuleClass::ModuleClass(const ModuleClass&) = default;
ModuleClass::ModuleClass(ModuleClass&&) noexcept = default;
ModuleClass& ModuleClass::operator=(const ModuleClass&) = default;
ModuleClass& ModuleClass::operator=(ModuleClass&&) noexcept = default;
ModuleClass::~ModuleClass() = default;

namespace detail {

namespace {

// A mistake in a struct within another one is found when the module is declared.
void describe_nested(const config::Description* of) {
    if (of != nullptr) {
        config::describe_nested(*of);
    }
}

}  // namespace

ModuleDraft::ModuleDraft(std::string name, std::string sentence,
                         const config::Description* settings, Maker maker) {
    class_.name = std::move(name);
    class_.sentence = std::move(sentence);
    class_.settings = settings;
    class_.make = maker;
}

ModuleDraft::ModuleDraft(ModuleDraft&&) noexcept = default;
ModuleDraft::~ModuleDraft() = default;

ModuleClass ModuleDraft::take() {
    add_function(make_api_function("discover", {}, &Module::discover), false);
    set_reads({"discover"});
    describe_nested(class_.settings);
    for (const ApiFunction& function : class_.api.functions()) {
        describe_nested(function.parameters);
        describe_nested(function.result_members);
    }
    return std::move(class_);
}

void ModuleDraft::add_dependency(std::string name, std::string default_implementation) {
    class_.dependencies.push_back({std::move(name), std::move(default_implementation)});
}

void ModuleDraft::set_single(std::string why) {
    if (class_.single.empty()) {
        class_.single = std::move(why);
    }
}

Dependency& ModuleDraft::last_dependency() {
    if (class_.dependencies.empty()) {
        throw std::invalid_argument("the module '" + class_.name +
                                    "' says of a dependency what it needs before it names one");
    }
    return class_.dependencies.back();
}

void ModuleDraft::add_queue_kind(ModuleQueueKind kind) {
    class_.queue_kinds.push_back(std::move(kind));
}

void ModuleDraft::add_handover(Handover handover) {
    class_.handovers.push_back(std::move(handover));
}

void ModuleDraft::add_event(const EventType& event) {
    class_.events.push_back(&event);
}

void ModuleDraft::add_queue(std::string name, const EventType& event, std::string sentence,
                            int priority, std::optional<QueueOptions> options) {
    if (options) {
        set_single("it has the queue '" + name + "', which takes all events of type " +
                   event.name());
    }
    class_.queues.push_back(
        {std::move(name), &event, std::move(sentence), priority, std::move(options)});
}

void ModuleDraft::add_metric(ModuleMetric metric) {
    const auto is_known = [&metric](const ModuleMetric& known) {
        return known.full_name(std::string()) == metric.full_name(std::string());
    };
    if (std::ranges::any_of(class_.metrics, is_known)) {
        throw std::invalid_argument("the module '" + class_.name + "' has two metrics '" +
                                    metric.name + "'");
    }
    class_.metrics.push_back(std::move(metric));
}

void ModuleDraft::set_rights(std::initializer_list<std::string_view> rights) {
    class_.rights.assign(rights.begin(), rights.end());
}

void ModuleDraft::set_reads(std::initializer_list<std::string_view> functions) {
    for (const std::string_view name : functions) {
        if (!class_.api.set_reads(name)) {
            throw std::invalid_argument("the module '" + class_.name + "' has no function '" +
                                        std::string(name) + "' that could be said to read");
        }
    }
}

void ModuleDraft::add_function(ApiFunction function, bool is_public) {
    const std::string& name = function.name;
    const auto is_blank = [](unsigned char c) { return c <= ' ' || c == 0x7f; };
    if (name.empty() || std::ranges::any_of(name, is_blank)) {
        throw std::invalid_argument("the module '" + class_.name + "' has a function '" + name +
                                    "': a name is neither empty nor has blanks");
    }
    const ApiFunction* known = class_.api.find(IndexValue(name));
    for (; known != nullptr; known = class_.api.next(*known)) {
        if (known->criteria == nullptr) {
            throw std::invalid_argument("the module '" + class_.name + "' has two functions '" +
                                        name + "', and the first takes all calls");
        }
    }
    function.is_public = is_public;
    class_.api.add(std::move(function));
}

}  // namespace detail

}  // namespace weir
