#pragma once

#include <bit>
#include <chrono>
#include <concepts>
#include <cstddef>
#include <functional>
#include <initializer_list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <typeinfo>
#include <utility>
#include <variant>
#include <vector>

#include "config/settings/byte_size.h"
#include "config/settings/checked_type.h"
#include "config/settings/codec.h"
#include "config/settings/composite_types.h"
#include "config/settings/description.h"
#include "config/settings/duration.h"
#include "config/settings/enum_names.h"
#include "config/settings/scalar_type.h"

/// Describes the settings of a struct once, beside the members that hold them:
///
///     struct ServerSettings {
///         std::optional<int> process_events;
///         std::chrono::milliseconds poll_interval{50};
///
///         static weir::config::Settings<ServerSettings> describe() {
///             using namespace weir::config;
///             return settings<ServerSettings>(
///                 "What the server itself does",
///                 setting("process_events", &ServerSettings::process_events,
///                         "Events handled between two polls; null: no limit")
///                     .range(1, 1'000'000),
///                 setting("poll_interval", &ServerSettings::poll_interval,
///                         "The longest time without a poll")
///                     .at_most(std::chrono::seconds(10)));
///         }
///     };
///
/// A member's initializer is the default. Members may be bool, integers, floating point numbers,
/// std::string, enums with a names_of() (enum_names.h), std::chrono durations (duration.h),
/// ByteSize, Value (any JSON), structs that describe themselves, and std::optional, std::vector,
/// std::map by std::string and std::variant of these.
namespace weir::config {

namespace detail {

template <class T>
struct TypeMaker {
    static_assert(sizeof(T) == 0,
                  "a setting, parameter or result is a bool, a number, a std::string, an enum with "
                  "names_of(), a std::chrono duration, ByteSize, Value, a struct with a static "
                  "describe(), or a std::optional, std::vector, std::map by std::string or "
                  "std::variant of these");
    static std::unique_ptr<const Type> make(const Bounds<T>&) { return nullptr; }
};

// The scalar to which a setting's restrictions apply: the one in an optional, list or map.
template <class T>
struct ScalarIn {
    using type = T;
};
template <class T>
struct ScalarIn<std::optional<T>> : ScalarIn<T> {};
template <class T>
struct ScalarIn<std::vector<T>> : ScalarIn<T> {};
template <class T>
struct ScalarIn<std::map<std::string, T>> : ScalarIn<T> {};

// The value in a member of type T that a setting's checks are about, and the Type of the member,
// made of that of the value.
template <class T>
struct ValueIn {
    using type = T;
    static std::unique_ptr<const Type> wrap(std::unique_ptr<const Type> value) { return value; }
};
template <class T>
struct ValueIn<std::optional<T>> {
    using type = T;
    static std::unique_ptr<const Type> wrap(std::unique_ptr<const Type> value) {
        return std::make_unique<OptionalType<T>>(std::move(value));
    }
};

template <class T>
using Restrictions = Bounds<typename ScalarIn<T>::type>;

template <Scalar T>
struct TypeMaker<T> {
    static std::unique_ptr<const Type> make(Bounds<T> bounds) {
        if constexpr (NamedEnum<T>) bounds = with_all_names(std::move(bounds));
        return std::make_unique<ScalarType<T>>(std::move(bounds));
    }
};

template <>
struct TypeMaker<Value> {
    static std::unique_ptr<const Type> make(const Bounds<Value>&) {
        return std::make_unique<AnyType>();
    }
};

template <Described T>
struct TypeMaker<T> {
    static std::unique_ptr<const Type> make(const Bounds<T>&) {
        return std::make_unique<StructType<T>>();
    }
};

template <class T>
struct TypeMaker<std::optional<T>> {
    static std::unique_ptr<const Type> make(Restrictions<T> bounds) {
        return std::make_unique<OptionalType<T>>(TypeMaker<T>::make(std::move(bounds)));
    }
};

template <class T>
struct TypeMaker<std::vector<T>> {
    static std::unique_ptr<const Type> make(Restrictions<T> bounds) {
        return std::make_unique<ListType<T>>(TypeMaker<T>::make(std::move(bounds)));
    }
};

template <class T>
struct TypeMaker<std::map<std::string, T>> {
    static std::unique_ptr<const Type> make(Restrictions<T> bounds) {
        return std::make_unique<MapType<T>>(TypeMaker<T>::make(std::move(bounds)));
    }
};

template <class... Ts>
struct TypeMaker<std::variant<Ts...>> {
    static std::unique_ptr<const Type> make(const Bounds<std::variant<Ts...>>&) {
        typename VariantType<Ts...>::Alternatives alternatives;
        (alternatives.push_back(TypeMaker<Ts>::make({})), ...);
        return std::make_unique<VariantType<Ts...>>(std::move(alternatives));
    }
};

/// Returns how far into the struct the member lies. A pointer to a data member is that distance in
/// the C++ ABI that all compilers for Linux share.
template <class S, class T>
std::ptrdiff_t member_offset(T S::*member) {
    static_assert(sizeof(member) == sizeof(std::ptrdiff_t));
    return std::bit_cast<std::ptrdiff_t>(member);
}

}  // namespace detail

/// Returns what reads, writes and names values of type T where nothing restricts them. Made at
/// first use; thread-safe.
template <class T>
const Type& type_of() {
    static const std::unique_ptr<const Type> type = detail::TypeMaker<T>::make({});
    return *type;
}

/// A setting while it is described, as far as it does not depend on the member's type.
class SettingDraft {
protected:
    SettingDraft(std::string name, std::string sentence);
    SettingDraft(SettingDraft&&) noexcept;
    ~SettingDraft();

    void set_unit(std::string unit);
    void add_alias(std::string name);
    /// Returns the setting of this type, whose member lies at `offset` in the struct.
    Setting finish(std::unique_ptr<const Type> type, std::ptrdiff_t offset);

    Setting setting_;
    Length length_;
};

/// A setting that is being described; setting() makes it. S is the struct, or a base of it.
template <class S, class T>
class SettingBuilder : private SettingDraft {
public:
    /// The type that range() and one_of() restrict.
    using Restricted = typename detail::ScalarIn<T>::type;
    using Present = typename detail::ValueIn<T>::type;

    SettingBuilder(std::string name, T S::*member, std::string sentence)
        : SettingDraft(std::move(name), std::move(sentence)), member_(member) {}

    /// Allows values from `low` to `high`. In lists and maps, restricts each value.
    SettingBuilder&& range(Restricted low, Restricted high) &&
            requires Scalar<Restricted>
    {
        bounds_.low = std::move(low);
        bounds_.high = std::move(high);
        return std::move(*this);
    }
    SettingBuilder&& at_least(Restricted low) &&
            requires Scalar<Restricted>
    {
        bounds_.low = std::move(low);
        return std::move(*this);
    }
    SettingBuilder&& at_most(Restricted high) &&
            requires Scalar<Restricted>
    {
        bounds_.high = std::move(high);
        return std::move(*this);
    }
    /// Allows these values only. Without it, an enum allows all its values.
    SettingBuilder&& one_of(std::initializer_list<Restricted> values) &&
            requires Scalar<Restricted>
    {
        bounds_.one_of = values;
        return std::move(*this);
    }
    /// Restricts the characters of the string, elements of the list, or entries of the map.
    SettingBuilder&& length(std::size_t low, std::size_t high = Length().high) &&
            requires HasLength<Present>
    {
        length_ = {low, high};
        return std::move(*this);
    }
    SettingBuilder&& not_empty() &&
            requires HasLength<Present>
    {
        length_.low = 1;
        return std::move(*this);
    }
    /// Calls `check` for each value that is valid otherwise. It returns what is wrong, without the
    /// value ("is not an address"), or "".
    SettingBuilder&& check(std::function<std::string(const Present&)> check) && {
        check_ = std::move(check);
        return std::move(*this);
    }
    /// Sets what the number counts: "events", "bytes per second".
    SettingBuilder&& unit(std::string unit) && {
        set_unit(std::move(unit));
        return std::move(*this);
    }
    /// Adds another name under which a file may give the setting.
    SettingBuilder&& alias(std::string name) && {
        add_alias(std::move(name));
        return std::move(*this);
    }
    /// Requires that the configuration gives the setting.
    SettingBuilder&& required() && {
        setting_.required = true;
        return std::move(*this);
    }
    /// The setting cannot change while the program runs.
    SettingBuilder&& fixed() && {
        setting_.fixed = true;
        return std::move(*this);
    }
    /// The value is shown nowhere: not in messages, defaults, or changes.
    SettingBuilder&& secret() && {
        setting_.secret = true;
        return std::move(*this);
    }

    /// Returns the finished setting, of S or a struct derived from it. Throws std::logic_error if
    /// its restrictions allow no value.
    template <std::derived_from<S> Derived>
    Setting build() && {
        if (allows_nothing()) {
            refuse_struct(typeid(Derived), "allows no value of '" + setting_.name +
                                               "': the upper limit is below the lower one");
        }
        T Derived::*const member = member_;
        return finish(make_type(), detail::member_offset(member));
    }

private:
    bool allows_nothing() const {
        bool result = length_.high < length_.low;
        if constexpr (Scalar<Restricted>) {
            result |= bounds_.low && bounds_.high && *bounds_.high < *bounds_.low;
        }
        return result;
    }
    std::unique_ptr<const Type> make_type() {
        std::unique_ptr<const Type> type = detail::TypeMaker<Present>::make(std::move(bounds_));
        if (check_ || length_ != Length()) {
            type =
                std::make_unique<CheckedType<Present>>(std::move(type), length_, std::move(check_));
        }
        return detail::ValueIn<T>::wrap(std::move(type));
    }

    T S::*member_;
    Bounds<Restricted> bounds_;
    std::function<std::string(const Present&)> check_;
};

/// Describes one setting: its name in files, the member that holds it, and its purpose in one
/// sentence without a full stop.
template <class S, class T>
SettingBuilder<S, T> setting(std::string name, T S::*member, std::string sentence) {
    return SettingBuilder<S, T>(std::move(name), member, std::move(sentence));
}

/// Describes the struct S: the purpose of its settings as a whole, and each setting. Throws
/// std::logic_error, which names the struct and the setting, if two settings have the same name, or
/// one allows no value.
template <std::default_initializable S, class... Builders>
Settings<S> settings(std::string sentence, Builders... builders) {
    std::vector<Setting> all;
    (all.push_back(std::move(builders).template build<S>()), ...);
    if (const std::string fault = fault_in_names(all); !fault.empty()) {
        refuse_struct(typeid(S), fault);
    }
    return Settings<S>(std::move(sentence), std::move(all),
                       [] { return std::shared_ptr<void>(new S); });
}

// The types that most settings have are compiled in the library.
extern template const Type& type_of<bool>();
extern template const Type& type_of<int>();
extern template const Type& type_of<long>();
extern template const Type& type_of<unsigned long>();
extern template const Type& type_of<double>();
extern template const Type& type_of<std::string>();
extern template class ScalarType<bool>;
extern template class ScalarType<int>;
extern template class ScalarType<long>;
extern template class ScalarType<unsigned long>;
extern template class ScalarType<double>;
extern template class ScalarType<std::string>;
extern template class ScalarType<std::chrono::nanoseconds>;
extern template class ScalarType<std::chrono::milliseconds>;
extern template class ScalarType<std::chrono::seconds>;
extern template class ScalarType<ByteSize>;
extern template class CheckedType<std::string>;
extern template class OptionalType<std::string>;
extern template class OptionalType<unsigned long>;
extern template class OptionalType<int>;
extern template class ListType<std::string>;
extern template class CheckedType<std::vector<std::string>>;

}  // namespace weir::config
