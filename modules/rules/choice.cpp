#include "modules/rules/choice.h"

#include "config/settings/reader.h"
#include "modules/system/call/api_error.h"
#include "modules/system/event/event_description.h"
#include "modules/system/event/event_error.h"

namespace weir::rules {

namespace {

const EventDescription* description_of_event(const Event& event) noexcept {
    for (const EventType* type = &event.type(); type != nullptr; type = type->base()) {
        if (type->description() != nullptr) {
            return type->description().get();
        }
    }
    return nullptr;
}

// The event takes the value: its type knows how an index of it is written.
IndexValue index_value(const EventType& type, std::size_t level, const std::string& name,
                       const Json& json) {
    const EventDescription& description = *type.description();
    const Ref<Event> event = description.make();
    const config::Setting& setting = *description.members().find(name);
    const config::Value value = value_of(json);
    config::Problems problems(1);
    config::Reader reader(problems, {}, {});
    const config::Origin origin{0, {}};
    setting.type->read({{&value, &value.position, {}, &origin}},
                       setting.value_in(static_cast<void*>(event.get())), reader);
    if (!problems.empty()) {
        throw ApiException(EventError::bad_event, name + ": " + problems.begin()->what);
    }
    return event->at(level);
}

}  // namespace

Json members_of(const Event& event) {
    Json members = Json::object();
    if (const EventDescription* description = description_of_event(event)) {
        const void* const object = &event;
        for (const config::Setting& setting : description->members().settings()) {
            members[setting.name] = json_of(setting.shown_value(object));
        }
    }
    return members;
}

bool Chosen::takes(const Json& members) const {
    for (const auto& [name, value] : others) {
        const auto found = members.find(name);
        if (found == members.end() || *found != value) {
            return false;
        }
    }
    return true;
}

std::optional<Chosen> choose(const EventExchange& events, const EventChoice& choice,
                             const Frame& frame) {
    const EventType* const type = events.find_type(choice.type);
    if (type == nullptr || type->description() == nullptr) {
        return std::nullopt;
    }
    Chosen made;
    made.blocking = !type->ignorable();
    std::vector<IndexValue> path;
    for (const EventType::Level& level : type->levels()) {
        path.push_back(level.fixed);
    }
    for (const auto& [name, value] : choice.where) {
        Json wanted = value.make(frame);
        if (const std::optional<std::size_t> level = type->level_of(name)) {
            path[*level] = index_value(*type, *level, name, wanted);
        } else {
            made.others.emplace_back(name, std::move(wanted));
        }
    }
    made.matcher = Matcher(path);
    return made;
}

}  // namespace weir::rules
