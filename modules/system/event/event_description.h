#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/settings/description.h"
#include "config/settings/name_in.h"
#include "core/base/ref.h"
#include "core/event/event.h"

namespace weir {

/// One member of an event, as the description of its type knows it.
struct EventMember {
    config::Setting setting;  ///< its offset is seen from the Event
    bool is_index = false;
    std::vector<std::pair<std::int64_t, std::string>> names = {};  ///< of an index that is an enum
    IndexValue::Kind kind = IndexValue::Kind::none;  ///< of an index; see EventType::Level
    /// Returns the member's value for a queue that orders or classifies by it; null if it is of a
    /// type that has no order.
    IndexValue (*key)(const void* member) = nullptr;
};

/// Says how the events of a type are written as data: all members, indices included, as the members
/// of a JSON object. described_event() and portable_event() make one; see describe_event.h.
///
/// Immutable, and thus thread-safe. Its code may lie in a plugin, and then leaves with it.
class EventDescription {
public:
    using Maker = std::function<Ref<Event>()>;

    /// `base` is the description of the type's base, whose members come first; null: none.
    EventDescription(const EventDescription* base, std::string sentence,
                     std::vector<EventMember> members, bool portable, Maker maker);

    /// Returns what the event says has happened, without a full stop.
    const std::string& sentence() const noexcept { return members_.sentence(); }
    /// Returns whether events of the type may enter and leave the process.
    bool portable() const noexcept { return portable_; }
    /// Returns all members, the base's first. They describe an Event, and have the defaults that
    /// make() gives.
    const config::Description& members() const noexcept { return members_; }
    const std::vector<EventMember>& all() const noexcept { return all_; }

    /// Returns a new event with the defaults of its members.
    Ref<Event> make() const { return maker_(); }
    /// Returns the value of a member of that name for a queue; none if there is no such value.
    IndexValue key(const Event& event, std::string_view name) const;

private:
    std::vector<EventMember> all_;
    bool portable_;
    Maker maker_;
    config::Description members_;
};

/// Gives the type its description, and the indices and keys of these members.
///
/// Throws std::logic_error if the base has indices, but no description; or as
/// EventType::add_index().
void describe_event_type(EventType& type, std::string sentence, std::vector<EventMember> members,
                         bool portable, EventDescription::Maker maker);

/// Returns what a member of an event names; null if it is no name.
const config::NameIn* name_in_event(const config::Setting& member) noexcept;

/// Returns why events of the type must not enter or leave the process, as "it is not portable:
/// ...";
/// "" if they may.
std::string why_not_portable(const EventType& type);

}  // namespace weir
