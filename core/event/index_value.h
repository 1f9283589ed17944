#pragma once

#include <array>
#include <compare>
#include <concepts>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

namespace weir {

/// The value of one index of an event: an integer, a real number, a text, the identity of an
/// object, a tuple of these, or none. In a matcher, none stands for "any".
///
/// 24 bytes. The hash is computed once, when the value is made. Copying, comparing and hashing are
/// cheap at any length: texts of up to 15 bytes are stored inside, longer texts and tuples are
/// immutable and shared. The count of what is shared is atomic: any thread may copy and destroy
/// values.
class IndexValue {
public:
    enum class Kind : std::uint8_t { none, integer, real, identity, text, tuple };

    constexpr IndexValue() noexcept = default;

    template <class T>
        requires std::integral<T> || std::is_enum_v<T>
    IndexValue(T value) noexcept : IndexValue(tag_integer, static_cast<std::uint64_t>(value)) {}

    /// Real numbers may order a priority queue, too. -0.0 equals 0.0, and a number without a
    /// fraction is the integer of the same value.
    IndexValue(double value) noexcept;

    IndexValue(std::string_view text);
    IndexValue(const std::string& text) : IndexValue(std::string_view(text)) {}
    IndexValue(const char* text) : IndexValue(std::string_view(text)) {}

    /// The identity of an object: its address. The object must not move.
    template <class T>
        requires((std::is_object_v<T> || std::is_void_v<T>) &&
                 !std::same_as<std::remove_cv_t<T>, char>)
    IndexValue(T* object) noexcept
        : IndexValue(tag_identity, reinterpret_cast<std::uintptr_t>(object)) {}

    template <class... T>
    IndexValue(const std::tuple<T...>& values)
        : IndexValue(std::apply(
              [](const auto&... value) {
                  return make_tuple(std::array<IndexValue, sizeof...(T)>{IndexValue(value)...});
              },
              values)) {}
    template <class T, class U>
    IndexValue(const std::pair<T, U>& values)
        : IndexValue(std::tuple<const T&, const U&>(values.first, values.second)) {}

    static IndexValue make_tuple(std::span<const IndexValue> values);

    IndexValue(const IndexValue& other) noexcept : hash_(other.hash_), payload_(other.payload_) {
        if (shared()) {
            retain();
        }
    }
    IndexValue(IndexValue&& other) noexcept
        : hash_(std::exchange(other.hash_, 0)), payload_(std::exchange(other.payload_, {})) {}
    IndexValue& operator=(IndexValue other) noexcept {
        std::swap(hash_, other.hash_);
        std::swap(payload_, other.payload_);
        return *this;
    }
    ~IndexValue() {
        if (shared()) {
            release();
        }
    }

    Kind kind() const noexcept;
    bool is_any() const noexcept { return payload_[1] == 0; }

    /// Equal values have equal hashes, and the bits are well mixed. Builds may differ.
    std::uint64_t hash() const noexcept { return hash_; }

    /// Each requires that the value is of that kind.
    std::int64_t integer() const noexcept { return static_cast<std::int64_t>(payload_[0]); }
    double real() const noexcept;
    const void* identity() const noexcept {
        return reinterpret_cast<const void*>(static_cast<std::uintptr_t>(payload_[0]));
    }
    std::string_view text() const noexcept;
    std::span<const IndexValue> tuple() const noexcept;

    /// For logs and listings: 7, "text", 0x55..., (…, …), any.
    std::string describe() const;

    [[gnu::always_inline]] friend bool operator==(const IndexValue& a,
                                                  const IndexValue& b) noexcept {
        if (a.hash_ != b.hash_ || a.payload_[1] != b.payload_[1]) {
            return false;
        }
        return a.payload_[0] == b.payload_[0] || (a.shared() && equal_shared(a, b));
    }

    /// A total order: numbers by value, texts bytewise, tuples element by element; between kinds:
    /// none, numbers, identities, texts, tuples.
    friend std::weak_ordering operator<=>(const IndexValue& a, const IndexValue& b) noexcept;

private:
    struct Shared;

    // The last byte of the payload tells what the rest holds. An inline text of n bytes has the tag
    // first_text + n.
    enum Tag : std::uint8_t {
        tag_any = 0,
        tag_integer,
        tag_real,
        tag_identity,
        tag_shared_text,
        tag_tuple,
        tag_first_text
    };
    static constexpr std::size_t longest_inline_text = 15;

    // The finalizer of SplitMix64: every bit of the number affects every bit of the hash.
    static constexpr std::uint64_t mix(std::uint64_t x) noexcept {
        x ^= x >> 30;
        x *= 0xbf58476d1ce4e5b9U;
        x ^= x >> 27;
        x *= 0x94d049bb133111ebU;
        return x ^ (x >> 31);
    }
    static constexpr std::uint64_t with_tag(std::uint8_t tag) noexcept {
        return static_cast<std::uint64_t>(tag) << 56;
    }

    IndexValue(Tag tag, std::uint64_t bits) noexcept
        : hash_(mix(bits + 0x9e3779b97f4a7c15U * tag)), payload_{bits, with_tag(tag)} {}

    Tag tag() const noexcept { return static_cast<Tag>(payload_[1] >> 56); }
    bool shared() const noexcept { return tag() == tag_shared_text || tag() == tag_tuple; }
    Shared* block() const noexcept;
    void retain() const noexcept;
    void release() noexcept;
    static bool equal_shared(const IndexValue& a, const IndexValue& b) noexcept;

    std::uint64_t hash_ = 0;
    std::array<std::uint64_t, 2> payload_{};
};

/// Returns the value of an index of declared type T: a T, or a view if T is a text.
template <class T>
T index_cast(const IndexValue& value)
    requires(std::integral<T> || std::is_enum_v<T>)
{
    return static_cast<T>(value.integer());
}
template <class T>
T index_cast(const IndexValue& value)
    requires std::is_pointer_v<T>
{
    return const_cast<T>(static_cast<const std::remove_pointer_t<T>*>(value.identity()));
}
template <class T>
std::string_view index_cast(const IndexValue& value)
    requires(std::same_as<T, std::string> || std::same_as<T, std::string_view>)
{
    return value.text();
}
template <class T>
const IndexValue& index_cast(const IndexValue& value)
    requires std::same_as<T, IndexValue>
{
    return value;
}
template <class T>
concept TupleLike = requires { std::tuple_size<T>::value; };
template <TupleLike T>
auto index_cast(const IndexValue& value) {
    return [&]<std::size_t... I>(std::index_sequence<I...>) {
        return std::tuple(index_cast<std::tuple_element_t<I, T>>(value.tuple()[I])...);
    }(std::make_index_sequence<std::tuple_size_v<T>>());
}

/// The kind of all values of an index of declared type T; none: T is an IndexValue, of any kind.
template <class T>
inline constexpr IndexValue::Kind kind_of_index =
    TupleLike<T> ? IndexValue::Kind::tuple : IndexValue::Kind::none;
template <class T>
    requires(std::integral<T> || std::is_enum_v<T>)
inline constexpr IndexValue::Kind kind_of_index<T> = IndexValue::Kind::integer;
template <class T>
    requires std::is_pointer_v<T>
inline constexpr IndexValue::Kind kind_of_index<T> = IndexValue::Kind::identity;
template <class T>
    requires(std::same_as<T, std::string> || std::same_as<T, std::string_view>)
inline constexpr IndexValue::Kind kind_of_index<T> = IndexValue::Kind::text;

namespace detail {

/// What an Index<T> reads as; T itself if it can be none, for which Index has the words.
template <class T>
struct IndexReading {
    using type = T;
    static constexpr bool possible = false;
};
template <class T>
    requires requires(const IndexValue& value) { index_cast<T>(value); }
struct IndexReading<T> {
    using type = decltype(index_cast<T>(std::declval<const IndexValue&>()));
    static constexpr bool possible = true;
};

}  // namespace detail

/// A member of an event that is one of its indices, of type T. Reads as a T (a text as a
/// string_view). Its value is fixed when the event is made.
template <class T>
class Index {
    static_assert(
        detail::IndexReading<T>::possible,
        "an index is an integer, an enum, a std::string, a pointer, an IndexValue, or a "
        "tuple of these; anything else, such as a double, is a plain member of the event");

public:
    using Value = T;

    /// Holds a value-initialized T.
    Index()
        requires std::default_initializable<T>
        : value_(convert(T{})) {}
    template <class U>
        requires(std::constructible_from<T, const U&> &&
                 !std::same_as<std::remove_cvref_t<U>, Index>)
    Index(const U& value) : value_(convert(value)) {}

    typename detail::IndexReading<T>::type get() const {
        if constexpr (detail::IndexReading<T>::possible) {
            return index_cast<T>(value_);
        } else {
            return T{};
        }
    }
    operator typename detail::IndexReading<T>::type() const { return get(); }
    const IndexValue& value() const noexcept { return value_; }

    friend bool operator==(const Index& a, const Index& b) { return a.value_ == b.value_; }
    template <class U>
        requires(!std::same_as<U, Index>)
    friend bool operator==(const Index& a, const U& b) {
        return a.get() == b;
    }

private:
    template <class U>
    static IndexValue convert(const U& value) {
        if constexpr (std::constructible_from<std::string_view, const U&> &&
                      std::same_as<T, std::string>) {
            return IndexValue(std::string_view(value));
        } else {
            return IndexValue(static_cast<const T&>(T(value)));
        }
    }

    IndexValue value_;
};

}  // namespace weir

template <>
struct std::hash<weir::IndexValue> {
    std::size_t operator()(const weir::IndexValue& value) const noexcept { return value.hash(); }
};
