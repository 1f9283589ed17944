#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/event/event.h"

namespace weir {

/// The value by which a queue orders or classifies events of any type: an index or a declared
/// member of a given name, or the name of the event's base-most type. Remembers the type that it
/// read last, so that a copy must stay on one thread.
class EventKey {
public:
    static EventKey by_type() { return EventKey({}); }
    static EventKey named(std::string_view name) { return EventKey(std::string(name)); }

    const std::string& name() const noexcept { return name_; }

    /// Returns the event's value, or none if its type has no such index or member. The reference is
    /// valid until the next call or until the event is destroyed, whichever is first.
    const IndexValue& operator()(const Event& event) const {
        if (by_type_) {
            return event.at(0);
        }
        // By number, not by address: a plugin's description may be unloaded and another be made
        // there.
        if (event.type().id() != type_id_) [[unlikely]] {
            look_up(event.type());
        }
        return level_ != no_level ? event.at(level_) : read(event);
    }

private:
    explicit EventKey(std::string name) : name_(std::move(name)), by_type_(name_.empty()) {}
    const IndexValue& read(const Event& event) const;
    void look_up(const EventType& type) const;

    static constexpr std::size_t no_level = static_cast<std::size_t>(-1);

    std::string name_;
    bool by_type_;
    // The cache: where the value is in events of the type that was looked up last.
    mutable std::uint64_t type_id_ = 0;
    mutable std::size_t level_ = no_level;
    mutable IndexValue (*read_)(const Event&, const std::string&) = nullptr;
    mutable IndexValue value_;
};

}  // namespace weir
