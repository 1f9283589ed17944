#pragma once

#include <concepts>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <type_traits>
#include <typeinfo>
#include <utility>

#include "core/base/pool.h"
#include "core/base/ref.h"
#include "core/event/event.h"
#include "core/event/event_type.h"
#include "core/event/index_value.h"

namespace weir {

/// A condition on an event beyond its type and indices.
using Predicate = std::function<bool(const Event&)>;

/// Matches events of a type, and of all types derived from it, that have the given values of some
/// indices and fulfil a predicate, if there is one. `match<Order>()` makes one.
///
/// A Matcher is a handle: copies are the same matcher. A routine that waits again for the same
/// matcher keeps its position among the waiters. An empty handle matches nothing. A matcher and its
/// copies belong to one thread.
class Matcher {
public:
    Matcher() noexcept = default;

    /// Matches events with these values at the levels of their path; none stands for any value.
    /// Levels behind the last value match anything.
    explicit Matcher(std::span<const IndexValue> path, Predicate predicate = {});

    /// Matches all events of the type; the values are set later, see MatcherBuilder.
    explicit Matcher(const EventType& type);

    explicit operator bool() const noexcept { return state_ != nullptr; }

    /// Returns the path without trailing "any"s.
    std::span<const IndexValue> path() const noexcept;
    bool has_predicate() const noexcept;
    /// Returns the type of the predicate's function, or null without a predicate.
    const std::type_info* predicate_type() const noexcept;

    /// Returns whether the other matcher is known to match the same events. Matchers with
    /// predicates are the same only if they are copies.
    bool same_events(const Matcher& other) const noexcept;

    // For prefetching: the memory that all copies share; null if it is empty.
    const void* shared_state() const noexcept { return state_.get(); }

    /// Returns whether the predicate holds; true without one. Throws what the predicate throws.
    bool judge(const Event& event) const { return !has_predicate() || judge_predicate(event); }

    /// Returns whether the event has the matcher's values from a level of the path on. Ignores the
    /// predicate.
    bool matches_path(const Event& event, std::size_t from_level = 0) const noexcept;

    /// For logs: shop.Order("bob", any, 7).
    std::string describe() const;

    friend bool operator==(const Matcher& a, const Matcher& b) noexcept {
        return a.state_ == b.state_;
    }

private:
    template <EventClass E>
    friend class MatcherBuilder;

    struct State;
    template <class F>
    static State* make_state(std::size_t levels, F value_at);
    void set(std::size_t level, IndexValue value) noexcept;
    void set(Predicate predicate);
    void trim() const noexcept;  // what all copies match stays the same
    bool judge_predicate(const Event& event) const;

    Ref<State> state_;
};

/// The matcher's counted state: this header, followed by the values of the path.
struct Matcher::State {
    std::uint32_t references = 0;
    std::uint16_t levels = 0;  ///< of the indices that have values
    std::uint16_t size = 0;    ///< without trailing "any"s
    std::unique_ptr<Predicate> predicate;

    IndexValue* values() noexcept { return reinterpret_cast<IndexValue*>(this + 1); }
    void retain() noexcept { ++references; }
    void release() noexcept {
        if (--references == 0) {
            destroy();
        }
    }
    void destroy() noexcept;
};

inline std::span<const IndexValue> Matcher::path() const noexcept {
    if (state_ == nullptr) {
        return {};
    }
    return {state_->values(), state_->size};
}

inline bool Matcher::has_predicate() const noexcept {
    return state_ != nullptr && state_->predicate != nullptr;
}

/// A matcher of events of type E. `co_await` on it returns the event, a Ref<E>.
template <class E>
class MatcherOf : public Matcher {
public:
    using EventType = E;

    MatcherOf() noexcept = default;
    explicit MatcherOf(Matcher matcher) noexcept : Matcher(std::move(matcher)) {}
};

/// Stands for any value of an index.
struct Any {};
inline constexpr Any any;

/// A matcher that is being made: match<Order>().with(&Order::number, 7).where(...). Converts to a
/// MatcherOf<E>, and is awaited like one. A named builder makes copies of one matcher: the routine
/// that awaits it again keeps its position.
template <EventClass E>
class [[nodiscard]] MatcherBuilder {
public:
    MatcherBuilder() : matcher_(event_type<E>()) {}
    MatcherBuilder(MatcherBuilder&&) noexcept = default;
    MatcherBuilder& operator=(MatcherBuilder&&) noexcept = default;

    /// Matches only this value of an index of E or its bases. Throws std::logic_error if the type
    /// does not declare that member as an index.
    template <class T, class C, class U>
        requires std::derived_from<E, C>
    MatcherBuilder&& with(Index<T> C::*index, const U& value) && {
        const std::ptrdiff_t offset = member_offset<E>(static_cast<Index<T> E::*>(index));
        matcher_.set(event_type<E>().level_at(offset), Index<T>(value).value());
        return std::move(*this);
    }

    /// Matches only if the predicate holds. A predicate that throws is logged and does not match.
    template <std::predicate<const E&> F>
    MatcherBuilder&& where(F predicate) && {
        matcher_.set(Predicate([judge = std::move(predicate)](const Event& event) {
            return static_cast<bool>(judge(static_cast<const E&>(event)));
        }));
        return std::move(*this);
    }

    operator MatcherOf<E>() && { return std::move(*this).make(); }
    MatcherOf<E> make() && {
        matcher_.trim();
        return MatcherOf<E>(std::move(matcher_));
    }
    operator MatcherOf<E>() const& { return make(); }
    MatcherOf<E> make() const& {
        matcher_.trim();
        return MatcherOf<E>(matcher_);
    }

    /// Matches only these values of the indices in their order, the base's first. Throws
    /// std::logic_error if the type has fewer indices, or a value is of another kind than its index
    /// (a number for a text): it would match no event.
    template <class... U>
    MatcherBuilder&& values(const U&... values) && {
        [[maybe_unused]] std::size_t level = 0;
        (set_next(level, values), ...);
        return std::move(*this);
    }

private:
    template <class U>
    void set_next(std::size_t& level, const U& value) {
        level = event_type<E>().next_index(level);
        if constexpr (!std::same_as<U, Any>) {
            IndexValue given(value);
            event_type<E>().require_kind(level, given);
            matcher_.set(level, std::move(given));
        }
        ++level;
    }

    Matcher matcher_;
};

/// Makes a matcher of events of type E and derived types: match<Order>() of all,
/// match<Order>("bob", any, 7) of those with these values of the indices, in order. `.with` and
/// `.where` narrow it further.
template <EventClass E, class... U>
MatcherBuilder<E> match(const U&... values) {
    return MatcherBuilder<E>().values(values...);
}

}  // namespace weir
