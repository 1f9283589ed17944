#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/settings/configuration.h"
#include "config/settings/settings.h"
#include "core/event/event_type.h"

namespace weir {

// What a member of an event holds that the configuration declares.
enum class JsonMemberType { boolean, integer, number, string, json };

inline config::EnumNames<JsonMemberType> names_of(JsonMemberType) {
    return {{"boolean", JsonMemberType::boolean},
            {"integer", JsonMemberType::integer},
            {"number", JsonMemberType::number},
            {"string", JsonMemberType::string},
            {"any", JsonMemberType::json}};
}

// A member, or an index, of an event type that the configuration declares.
struct JsonMemberSettings {
    std::string name;
    JsonMemberType type = JsonMemberType::string;
    std::string description;
    std::optional<config::Value> default_value;

    static config::Settings<JsonMemberSettings> describe();
};

// An event type that the configuration declares, at `server.events`.
struct JsonEventSettings {
    std::string description;
    std::vector<JsonMemberSettings> indices;
    std::vector<JsonMemberSettings> members;
    bool ignorable = true;

    static config::Settings<JsonEventSettings> describe();
};

// The event types that a configuration declares. They are portable. The events of such a type hold
// their indices and the values of their members side by side in one block of memory.
//
// Must outlive all events and matchers of the types.
class JsonEventTypes {
public:
    using Settings = std::map<std::string, JsonEventSettings>;

    // Makes the types, but not those with mistakes, which check() reports.
    explicit JsonEventTypes(const Settings& settings);
    ~JsonEventTypes();
    JsonEventTypes(JsonEventTypes&&) noexcept;
    JsonEventTypes& operator=(JsonEventTypes&&) noexcept;

    // Reports, below `server.events`, names that no type, index or member may have, and defaults of
    // another type than their member's.
    static void check(const config::Configuration& configuration, const Settings& settings,
                      config::Problems& problems);

    // Returns the types, ordered by name.
    std::vector<const EventType*> all() const;
    // Returns the type of that name, or null.
    const EventType* find(std::string_view name) const noexcept;

private:
    std::vector<std::unique_ptr<EventType>> types_;
};

}  // namespace weir
