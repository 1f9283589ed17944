#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "config/settings/settings.h"
#include "core/event/event.h"
#include "modules/system/event/event_description.h"

/// Declares an event type with all its members, so that its events can be written as JSON and made
/// from it:
///
///     struct Baked : weir::Event {
///         weir::Index<std::string> bread;
///         int loaves = 1;
///
///         static auto declare() {
///             return weir::portable_event<Baked>(
///                 "bakery.Baked", "Loaves have come out of the oven",
///                 weir::member("bread", &Baked::bread, "Which kind"),
///                 weir::member("loaves", &Baked::loaves, "How many").range(1, 1000));
///         }
///     };
///
/// A member that is an Index is an index of the type, in this order. The other members may be of
/// all types that settings may have (config/settings/settings.h), with the same restrictions; their
/// initializers are their defaults. Queues may order and classify by members that are numbers,
/// texts or names.
namespace weir {

namespace detail {

template <class T>
inline constexpr bool is_index = false;
template <class T>
inline constexpr bool is_index<Index<T>> = true;

}  // namespace detail

namespace config::detail {

template <class T>
struct ScalarIn<Index<T>> : ScalarIn<T> {};

/// An index of an event is read, checked and written as the value that it holds.
template <class T>
class IndexType final : public Type {
public:
    explicit IndexType(std::unique_ptr<const Type> value) : value_(std::move(value)) {}

    std::string name() const override { return value_->name(); }
    std::string allowed() const override { return value_->allowed(); }
    void read(const Fragments& fragments, void* index, Reader& reader) const override {
        T content = content_of(index);
        value_->read(fragments, &content, reader);
        *static_cast<Index<T>*>(index) = Index<T>(content);
    }
    bool read_scalar(const Value& scalar, void* index) const override {
        T content = content_of(index);
        if (!value_->read_scalar(scalar, &content)) {
            return false;
        }
        *static_cast<Index<T>*>(index) = Index<T>(content);
        return true;
    }
    Value to_json(const void* index) const override {
        const T content = content_of(index);
        return value_->to_json(&content);
    }
    bool equal(const void* left, const void* right) const override {
        return *static_cast<const Index<T>*>(left) == *static_cast<const Index<T>*>(right);
    }
    void assign(const void* from, void* to) const override {
        *static_cast<Index<T>*>(to) = *static_cast<const Index<T>*>(from);
    }
    Value schema(SchemaWriter& writer) const override { return value_->schema(writer); }
    const Type& value_type() const noexcept { return *value_; }

private:
    static T content_of(const void* index) { return T(static_cast<const Index<T>*>(index)->get()); }

    std::unique_ptr<const Type> value_;
};

template <class T>
struct ValueIn<Index<T>> {
    using type = T;
    static std::unique_ptr<const Type> wrap(std::unique_ptr<const Type> value) {
        return std::make_unique<IndexType<T>>(std::move(value));
    }
};

template <class T>
concept HasType = requires { sizeof(TypeMaker<T>); };

}  // namespace config::detail

/// Describes one member of an event: its name as data, the member, and its meaning in one sentence
/// without a full stop. Takes the restrictions of a setting: `.range(1, 10)`, `.required()`.
template <class E, class T>
config::SettingBuilder<E, T> member(std::string name, T E::*pointer, std::string sentence) {
    using Content = typename config::detail::ValueIn<T>::type;
    static_assert(config::detail::HasType<Content>,
                  "this member cannot be written as data: it has to be of a type that a setting "
                  "may have, which the identity of an object (a pointer) is not");
    return config::SettingBuilder<E, T>(std::move(name), pointer, std::move(sentence));
}

namespace detail {

template <class T>
IndexValue member_key(const void* member) {
    return IndexValue(*static_cast<const T*>(member));
}

// Returns how far the object E lies behind the Event in it.
template <class E>
std::ptrdiff_t offset_from_event() noexcept {
    alignas(E) static char memory[sizeof(E)];
    const E* object = reinterpret_cast<const E*>(memory);
    return reinterpret_cast<const char*>(object) -
           reinterpret_cast<const char*>(static_cast<const Event*>(object));
}

template <class T>
std::vector<std::pair<std::int64_t, std::string>> names_of_index() {
    std::vector<std::pair<std::int64_t, std::string>> names;
    if constexpr (config::NamedEnum<T>) {
        for (const auto& [name, value] : names_of(T{})) {
            names.emplace_back(IndexValue(value).integer(), name);
        }
    }
    return names;
}

template <class E, class C, class T>
EventMember described_member(config::SettingBuilder<C, T> builder) {
    EventMember made;
    made.setting = std::move(builder).template build<E>();
    made.setting.offset += offset_from_event<E>();
    made.is_index = is_index<T>;
    if constexpr (is_index<T>) {
        made.names = names_of_index<typename config::detail::ValueIn<T>::type>();
        made.kind = kind_of_index<typename config::detail::ValueIn<T>::type>;
    }
    if constexpr (!is_index<T> && !std::is_pointer_v<T> && std::constructible_from<IndexValue, T>) {
        made.key = &member_key<T>;
    }
    return made;
}

template <EventClass E, class Base, class... Builders>
EventDeclaration<E, Base> describe_event(std::string_view name, std::string sentence, bool portable,
                                         Builders... builders) {
    static_assert(std::default_initializable<E>,
                  "an event that is made from data needs a constructor without parameters");
    EventDeclaration<E, Base> declaration(name);
    std::vector<EventMember> members;
    (members.push_back(described_member<E>(std::move(builders))), ...);
    describe_event_type(declaration.type(), std::move(sentence), std::move(members), portable,
                        [] { return Ref<Event>(make_event<E>()); });
    return declaration;
}

}  // namespace detail

/// Declares an event type whose events may enter and leave the process: clients send and watch
/// them. `sentence` says what has happened, without a full stop. An event type that extends another
/// describes only its own members: `portable_event<Burnt, Baked>("bakery.Burnt", ...)`. Ends, as
/// declare_event() does, with `.blocking()` if events must not be dropped; clients may send those,
/// but not watch them.
template <EventClass E, class Base = Event, class... Builders>
EventDeclaration<E, Base> portable_event(std::string_view name, std::string sentence,
                                         Builders... builders) {
    return detail::describe_event<E, Base>(name, std::move(sentence), true, std::move(builders)...);
}

/// Declares an event type whose events are data for code of this process, as in tests and logs, and
/// never leave it: no client sends or watches them, no inspection and no trace shows what they say.
template <EventClass E, class Base = Event, class... Builders>
EventDeclaration<E, Base> described_event(std::string_view name, std::string sentence,
                                          Builders... builders) {
    return detail::describe_event<E, Base>(name, std::move(sentence), false,
                                           std::move(builders)...);
}

}  // namespace weir
