#include "modules/system/event/json_event_types.h"

#include <algorithm>
#include <functional>
#include <set>
#include <utility>

#include "config/settings/reader.h"
#include "modules/system/event/event_description.h"
#include "modules/system/event/json_event.h"

namespace weir {

namespace {

// A member of a JsonEvent: a config::Value that is always of the type T.
template <class T>
class ValueType final : public config::Type {
public:
    std::string name() const override { return content().name(); }
    void read(const config::Fragments& fragments, void* value,
              config::Reader& reader) const override {
        T read{};
        const std::size_t problems = reader.count();
        content().read(fragments, &read, reader);
        if (reader.count() == problems) {
            *static_cast<config::Value*>(value) = content().to_json(&read);
        }
    }
    bool read_scalar(const config::Value& scalar, void* value) const override {
        T read{};
        if (!content().read_scalar(scalar, &read)) {
            return false;
        }
        *static_cast<config::Value*>(value) = content().to_json(&read);
        return true;
    }
    config::Value to_json(const void* value) const override {
        return *static_cast<const config::Value*>(value);
    }
    bool equal(const void* left, const void* right) const override {
        return *static_cast<const config::Value*>(left) ==
               *static_cast<const config::Value*>(right);
    }
    void assign(const void* from, void* to) const override {
        *static_cast<config::Value*>(to) = *static_cast<const config::Value*>(from);
    }
    config::Value schema(config::SchemaWriter& writer) const override {
        return content().schema(writer);
    }

private:
    static const config::Type& content() { return config::type_of<T>(); }
};

// An index of a JsonEvent: an IndexValue that always holds a T.
template <class T>
class IndexValueType final : public config::Type {
public:
    std::string name() const override { return content().name(); }
    void read(const config::Fragments& fragments, void* index,
              config::Reader& reader) const override {
        T read{};
        content().read(fragments, &read, reader);
        *static_cast<IndexValue*>(index) = IndexValue(read);
    }
    bool read_scalar(const config::Value& scalar, void* index) const override {
        T read{};
        if (!content().read_scalar(scalar, &read)) {
            return false;
        }
        *static_cast<IndexValue*>(index) = IndexValue(read);
        return true;
    }
    config::Value to_json(const void* index) const override {
        const T held(index_cast<T>(*static_cast<const IndexValue*>(index)));
        return content().to_json(&held);
    }
    bool equal(const void* left, const void* right) const override {
        return *static_cast<const IndexValue*>(left) == *static_cast<const IndexValue*>(right);
    }
    void assign(const void* from, void* to) const override {
        *static_cast<IndexValue*>(to) = *static_cast<const IndexValue*>(from);
    }
    config::Value schema(config::SchemaWriter& writer) const override {
        return content().schema(writer);
    }

private:
    static const config::Type& content() { return config::type_of<T>(); }
};

// What there is for members of one type.
struct MemberKind {
    std::shared_ptr<const config::Type> member;
    std::shared_ptr<const config::Type> index;  // null: no index may be of the type
    config::Value initial;                      // of a member without a default
    IndexValue initial_index;
    IndexValue (*key)(const void* member) = nullptr;
};

template <class T>
IndexValue value_key(const void* member) {
    const auto* value = static_cast<const config::Value*>(member);
    if constexpr (std::is_same_v<T, std::int64_t>) {
        return IndexValue(*value->get<std::int64_t>());
    } else {
        return IndexValue(*value->get<T>());
    }
}

template <class T>
MemberKind scalar_kind() {
    return {std::make_shared<ValueType<T>>(), std::make_shared<IndexValueType<T>>(),
            config::Value(T{}), IndexValue(T{}), &value_key<T>};
}

MemberKind kind_of(JsonMemberType type) {
    switch (type) {
        case JsonMemberType::boolean:
            return scalar_kind<bool>();
        case JsonMemberType::integer:
            return scalar_kind<std::int64_t>();
        case JsonMemberType::string:
            return scalar_kind<std::string>();
        case JsonMemberType::number:
            return {std::make_shared<ValueType<double>>(),
                    nullptr,
                    config::Value(0.0),
                    {},
                    &value_key<double>};
        case JsonMemberType::json:
            break;
    }
    return {std::make_shared<ValueType<config::Value>>(), nullptr, {}, {}, nullptr};
}

// --- checking

bool is_word(char c) noexcept {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

// Names of members stand in `INDEX=VALUE` on command lines, and between dots in paths.
bool is_member_name(std::string_view name) {
    return !name.empty() && std::ranges::all_of(name, is_word);
}

bool is_type_name(std::string_view name) {
    return !name.empty() && name.front() != '.' && name.back() != '.' &&
           !name.starts_with("weir.") &&
           std::ranges::all_of(name, [](char c) { return is_word(c) || c == '.' || c == '-'; });
}

// Returns what is wrong with the default; "" if nothing is.
std::string wrong_default(const JsonMemberSettings& member, bool is_index) {
    const MemberKind kind = kind_of(member.type);
    config::Value ignored;
    IndexValue ignored_index;
    config::Problems problems(1);
    config::Reader reader(problems, {}, {});
    const config::Origin origin{0, {}};
    const config::Value& given = *member.default_value;
    const config::Fragments fragments{{&given, &given.position, {}, &origin}};
    if (is_index) {
        kind.index->read(fragments, &ignored_index, reader);
    } else {
        kind.member->read(fragments, &ignored, reader);
    }
    return problems.empty() ? "" : problems.begin()->what;
}

// Called with where a mistake is, below the type's settings, and what is wrong.
using Report = std::function<void(const config::Path& path, std::string what)>;

void check_member(const JsonMemberSettings& member, bool is_index, const config::Path& path,
                  std::set<std::string>& names, const Report& report) {
    if (!is_member_name(member.name)) {
        report(path / "name", "expected letters, digits and '_'");
    } else if (!names.insert(member.name).second) {
        report(path / "name", "another index or member has this name");
    }
    if (is_index && kind_of(member.type).index == nullptr) {
        report(path / "type", "an index is a boolean, an integer or a string");
    } else if (member.default_value) {
        if (std::string wrong = wrong_default(member, is_index); !wrong.empty()) {
            report(path / "default", std::move(wrong));
        }
    }
}

void check_type(const std::string& name, const JsonEventSettings& settings, const Report& report) {
    if (!is_type_name(name)) {
        report({}, name.starts_with("weir.")
                       ? "names that begin with 'weir.' are those of weir's own types"
                       : "the name of a type has letters, digits, '_', '-' and, within it, '.'");
    }
    std::set<std::string> names;
    const auto check_all = [&](const char* list, const std::vector<JsonMemberSettings>& members,
                               bool are_indices) {
        for (std::size_t i = 0; i != members.size(); ++i) {
            config::Path path(list);
            path.push(i);
            check_member(members[i], are_indices, path, names, report);
        }
    };
    check_all("indices", settings.indices, true);
    check_all("members", settings.members, false);
}

// --- making types

EventMember member_of(const JsonMemberSettings& settings, std::shared_ptr<const config::Type> type,
                      std::ptrdiff_t offset) {
    EventMember made;
    made.setting.name = settings.name;
    made.setting.sentence = settings.description;
    made.setting.required = !settings.default_value;
    made.setting.type = std::move(type);
    made.setting.offset = offset;
    return made;
}

template <class Slot>
Slot read_default(const JsonMemberSettings& settings, const config::Type& type, Slot initial) {
    if (settings.default_value) {
        config::Problems problems;
        config::Reader reader(problems, {}, {});
        const config::Origin origin{0, {}};
        const config::Value& given = *settings.default_value;
        type.read({{&given, &given.position, {}, &origin}}, &initial, reader);
    }
    return initial;
}

std::unique_ptr<EventType> make_type(const std::string& name, const JsonEventSettings& settings) {
    auto type = std::make_unique<EventType>(name, nullptr, &JsonEvent::destroy);
    type->set_ignorable(settings.ignorable);
    std::vector<EventMember> all;
    std::vector<IndexValue> indices;
    for (const JsonMemberSettings& index : settings.indices) {
        MemberKind kind = kind_of(index.type);
        EventMember& made =
            all.emplace_back(member_of(index, kind.index, JsonEvent::offset_of_index(all.size())));
        made.is_index = true;
        indices.push_back(read_default(index, *kind.index, std::move(kind.initial_index)));
    }
    std::vector<config::Value> members;
    for (const JsonMemberSettings& member : settings.members) {
        MemberKind kind = kind_of(member.type);
        const auto offset = JsonEvent::offset_of_member(indices.size(), members.size());
        all.emplace_back(member_of(member, kind.member, offset)).key = kind.key;
        members.push_back(read_default(member, *kind.member, std::move(kind.initial)));
    }
    const EventType* const made = type.get();
    describe_event_type(*type, settings.description, std::move(all), true,
                        [made, indices = std::move(indices), members = std::move(members)] {
                            return JsonEvent::make(*made, indices, members);
                        });
    return type;
}

}  // namespace

config::Settings<JsonMemberSettings> JsonMemberSettings::describe() {
    using namespace config;
    using S = JsonMemberSettings;
    return settings<S>(
        "An index or a member of the events",
        setting("name", &S::name, "Its name: letters, digits and '_'").required(),
        setting("type", &S::type, "What it holds; an index is a boolean, an integer or a string"),
        setting("description", &S::description, "What it means"),
        setting("default", &S::default_value,
                "Its value in an event that does not give it; null: each event has to give it"));
}

config::Settings<JsonEventSettings> JsonEventSettings::describe() {
    using namespace config;
    using S = JsonEventSettings;
    return settings<S>(
        "A type of events, which clients may send and watch",
        setting("description", &S::description, "What such an event says has happened"),
        setting("indices", &S::indices,
                "Members by which queues and watchers choose events, in this order"),
        setting("members", &S::members, "The other members"),
        setting("ignorable", &S::ignorable,
                "Whether an event that no routine receives is dropped; otherwise it blocks its "
                "queue until one does"));
}

JsonEventTypes::JsonEventTypes(const Settings& settings) {
    for (const auto& [name, type] : settings) {
        bool right = true;
        check_type(name, type,
                   [&right](const config::Path&, const std::string&) { right = false; });
        if (right) {
            types_.push_back(make_type(name, type));
        }
    }
}

JsonEventTypes::~JsonEventTypes() = default;
JsonEventTypes::JsonEventTypes(JsonEventTypes&&) noexcept = default;
JsonEventTypes& JsonEventTypes::operator=(JsonEventTypes&&) noexcept = default;

void JsonEventTypes::check(const config::Configuration& configuration, const Settings& settings,
                           config::Problems& problems) {
    for (const auto& [name, type] : settings) {
        config::Path path("server.events");
        path.push(name);
        check_type(name, type, [&](const config::Path& rest, std::string what) {
            configuration.report(path / rest, std::move(what), problems);
        });
    }
}

std::vector<const EventType*> JsonEventTypes::all() const {
    std::vector<const EventType*> result;
    for (const auto& type : types_) {
        result.push_back(type.get());
    }
    return result;
}

const EventType* JsonEventTypes::find(std::string_view name) const noexcept {
    const auto found =
        std::ranges::find_if(types_, [name](const auto& type) { return type->name() == name; });
    return found == types_.end() ? nullptr : found->get();
}

}  // namespace weir
