#include "core/event/event_key.h"

namespace weir {

const IndexValue& EventKey::find(const Event& event) const {
    // By number, not by address: a plugin's description may be unloaded and another be made there.
    if (event.type().id() != type_id_) [[unlikely]] {
        look_up(event.type());
    }
    if (level_ != no_level) {
        return event.at(level_);
    }
    value_ = read_ == nullptr ? IndexValue() : read_(event, name_);
    return value_;
}

void EventKey::look_up(const EventType& type) const {
    type_id_ = type.id();
    level_ = type.level_of(name_).value_or(no_level);
    read_ = nullptr;
    // Members follow their base's: the last match is the most derived type's.
    for (const EventType::Member& member : type.members()) {
        if (member.name == name_) {
            read_ = member.read;
        }
    }
}

}  // namespace weir
