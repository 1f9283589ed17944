#pragma once

#include <string>
#include <string_view>

#include "config/document/value.h"
#include "core/base/ref.h"
#include "core/event/event.h"

namespace weir {

/// Returns the members of an event as a JSON object, in the order of their description; null if its
/// type has no description. Members that are secret are "(secret)".
config::Value event_value(const Event& event);

/// Returns the same as text: {"bread": "rye", "loaves": 20}
std::string event_json(const Event& event);

/// Makes an event of the type from a JSON object. Members that it does not give have their
/// defaults. Throws ApiException with the code `bad_event` and each mistake with its position in
/// the text, also if the type has no description.
Ref<Event> event_from_json(const EventType& type, std::string_view json);

/// The same for a type in C++: event_from_json<Baked>(R"({"bread": "rye"})").
template <EventClass E>
Ref<E> event_from_json(std::string_view json) {
    Ref<Event> event = event_from_json(event_type<E>(), json);
    return Ref<E>::adopt(static_cast<E*>(event.detach()));
}

/// Reads the members that the object gives into the event. Throws as event_from_json(); the event
/// may then have any content.
void read_event(const config::Value& object, Event& event);

}  // namespace weir
