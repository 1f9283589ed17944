#include "core/event/event_key.h"

namespace weir {

const IndexValue& EventKey::read(const Event& event) const {
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
