#include "modules/system/event/event_json.h"

#include <cstddef>
#include <memory>
#include <optional>
#include <utility>

#include "config/document/document.h"
#include "config/document/found.h"
#include "config/settings/flat_reader.h"
#include "config/settings/reader.h"
#include "config/text/nearest_name.h"
#include "modules/system/call/api_error.h"
#include "modules/system/event/event_description.h"
#include "modules/system/event/event_error.h"

namespace weir {

namespace {

constexpr std::size_t most_problems = 10;

const EventDescription& require_description(const EventType& type) {
    if (type.description() == nullptr) {
        throw ApiException(EventError::bad_event, "events of type '" + type.name() +
                                                      "' cannot be made from data: the declaration "
                                                      "does not describe their members");
    }
    return *type.description();
}

void throw_problems(const config::Problems& problems) {
    if (problems.empty()) {
        return;
    }
    std::string message;
    for (const config::Problem& problem : problems) {
        message += (message.empty() ? "" : "; ") + to_text(problem);
    }
    throw ApiException(EventError::bad_event, std::move(message));
}

}  // namespace

config::Value event_value(const Event& event) {
    const EventDescription* description = event.type().description().get();
    return description == nullptr
               ? config::Value()
               : description->members().to_json(static_cast<const void*>(&event));
}

std::string event_json(const Event& event) {
    return config::to_json(event_value(event));
}

void read_event(const config::Value& object, Event& event) {
    const config::Description& members = require_description(event.type()).members();
    config::Problems problems(most_problems);
    if (!object.is_object()) {
        problems.add(object.position, {}, "expected an object, found " + config::found(object));
        throw_problems(problems);
    }
    for (const config::Member& member : *object.get<config::Value::Object>()) {
        if (members.find(member.name) == nullptr) {
            problems.add(member.position, {},
                         config::unknown_name("member", member.name, members.names()));
        }
    }
    config::Reader reader(problems, object.position, {});
    const config::Origin origin{0, {}};
    const config::Fragments fragments{{&object, &object.position, {}, &origin}};
    members.read(fragments, static_cast<void*>(&event), reader, config::Unknown::ignore);
    throw_problems(problems);
}

Ref<Event> event_from_json(const EventType& type, std::string_view json) {
    const EventDescription& description = require_description(type);
    const config::Limits limits;
    Ref<Event> event = description.make();
    if (json.size() <= limits.text_bytes &&
        config::read_flat(json, description.members(), static_cast<void*>(event.get()))) {
        return event;
    }
    config::Problems problems(most_problems);
    config::Allowance allowance(limits);
    const auto source = std::make_shared<const config::Source>(config::Source{.name = "event"});
    const std::optional<config::Value> value =
        config::read_document(json, source, allowance, problems);
    throw_problems(problems);
    event = description.make();
    read_event(*value, *event);
    return event;
}

}  // namespace weir
