#pragma once

#include <atomic>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "core/base/list.h"
#include "core/event/index_value.h"

namespace weir {

class Event;
class EventDescription;

/// The number of living events of a type, counted once begin() was called. A copy starts its own
/// count. Thread-safe.
class LivingEvents {
public:
    LivingEvents() noexcept = default;
    LivingEvents(const LivingEvents&) noexcept {}
    LivingEvents& operator=(const LivingEvents&) noexcept { return *this; }

    void begin() noexcept { counted_.store(true, std::memory_order_relaxed); }
    void add(std::int64_t difference) noexcept {
        if (counted_.load(std::memory_order_relaxed)) [[unlikely]] {
            count(difference);
        }
    }
    std::int64_t count() const noexcept { return count_.load(std::memory_order_relaxed); }

private:
    void count(std::int64_t difference) noexcept;

    std::atomic<bool> counted_{false};
    std::atomic<std::int64_t> count_{0};
};

/// The description of an event type: its name, the type that it extends, its indices, and further
/// members by which queues may order or classify events. Each shared library has its own
/// description of a type; descriptions of equal names mean the same type if the events have the
/// same layout: size and indices. Otherwise, as after a change of the struct in a new version of a
/// plugin, no matcher of one library gets events of the other, whose members it could not read.
///
/// Matchers see the indices of an event as a path of levels: the name of the base-most type, that
/// type's indices, the name of the next derived type, its indices, and so on. The path of a base is
/// thus a prefix of the paths of its derived types, and a matcher of the base matches them too.
///
/// Immutable once made, except for the count of living events; any thread may read it. Must outlive
/// all events and matchers of the type.
class EventType {
public:
    struct Level {
        std::string name;            ///< of the index; empty for a type's name
        IndexValue fixed;            ///< the type's name; none for an index
        std::ptrdiff_t offset = -1;  ///< of the index's value in the event
        /// Of an index that is an enum: the names of its values, if they are known.
        std::vector<std::pair<std::int64_t, std::string>> names = {};
        /// Of an index: the kind of all its values; none: they may be of any.
        IndexValue::Kind kind = IndexValue::Kind::none;

        /// Returns an index's value for logs and listings: its name, or as the value describes
        /// itself.
        std::string text(const IndexValue& value) const;
    };
    struct Member {
        std::string name;
        /// Returns the event's value of the member of that name, or none.
        IndexValue (*read)(const Event&, const std::string& name);
    };
    using Destroy = void (*)(Event*) noexcept;
    using CanIgnoreNow = bool (*)(const Event&);
    using Receiver = void (*)(Event&) noexcept;

    const std::string& name() const noexcept { return name_; }
    const EventType* base() const noexcept { return base_; }

    /// Returns whether an event of this type may be dropped when no routine processes it. If not,
    /// it blocks its queue until a routine processes it.
    bool ignorable() const noexcept { return ignorable_; }

    const std::vector<Level>& levels() const noexcept { return levels_; }
    /// Returns levels().size(), which is read for each event, without a division.
    std::size_t depth() const noexcept { return depth_; }
    /// Returns the names of all indices, the base's first.
    std::vector<std::string_view> index_names() const;
    /// Returns the level of a named index, or nullopt.
    std::optional<std::size_t> level_of(std::string_view index) const noexcept;
    /// Returns the level of the index at this offset in the event. Throws std::logic_error if the
    /// member there is not declared as an index.
    std::size_t level_at(std::ptrdiff_t offset) const;
    /// Returns the first level, from `level` on, that is an index. Throws std::logic_error if none
    /// is left.
    std::size_t next_index(std::size_t level) const;
    /// Throws std::logic_error if no event of the type can have the value at the level, because
    /// its index has values of another kind.
    void require_kind(std::size_t level, const IndexValue& value) const {
        const IndexValue::Kind kind = levels_[level].kind;
        const bool fits = kind == IndexValue::Kind::none || kind == value.kind() || value.is_any();
        if (!fits) [[unlikely]] {
            refuse_kind(level, value);
        }
    }
    const std::vector<Member>& members() const noexcept { return members_; }

    /// Returns what a layer above says of the type's events: how they are written as data. Null if
    /// it says nothing. The core only keeps it. A derived type does not take it over.
    const std::shared_ptr<const EventDescription>& description() const noexcept {
        return description_;
    }

    /// Returns a number that no other description in this process has had.
    std::uint64_t id() const noexcept { return id_; }

    /// Returns what the path has for the type itself: its name, and if libraries that are loaded
    /// describe it with different layouts, for all but the first the layout, too.
    const IndexValue& identity() const noexcept { return levels_[own_level()].fixed; }

    /// Returns whether this is `other` or derived from it.
    bool is_a(const EventType& other) const noexcept;

    Destroy destroy_function() const noexcept { return destroy_; }
    CanIgnoreNow can_ignore_now_function() const noexcept { return can_ignore_now_; }
    /// Returns the receiver of the type; null if it has none. See EventDeclaration.
    Receiver receiver() const noexcept { return receiver_; }

    /// Called by Event when an event of the type is made or destroyed. See LiveEvents.
    void add_living(std::int64_t difference) const noexcept { living_.add(difference); }

    /// Makes a type at run time. `base` must outlive it. The type has one level more than its base,
    /// for its name, and one for each index that is added. `size`: bytes of an event.
    EventType(std::string_view name, const EventType* base, Destroy destroy, std::size_t size = 0);
    /// `offset` is that of the index's IndexValue, seen from the Event. Throws std::logic_error if
    /// the name is empty or taken, or the offset is negative. `names`: see Level.
    void add_index(std::string name, std::ptrdiff_t offset,
                   std::vector<std::pair<std::int64_t, std::string>> names = {});
    /// Says of which kind the values of the index that was added last are; see Level.
    void set_kind_of_index(IndexValue::Kind kind) noexcept { levels_.back().kind = kind; }
    void add_member(Member member) { members_.push_back(std::move(member)); }
    /// Shares the description with the copies of the type.
    void set_description(std::shared_ptr<const EventDescription> description) noexcept {
        description_ = std::move(description);
    }
    void set_ignorable(bool ignorable) noexcept { ignorable_ = ignorable; }
    void set_can_ignore_now(CanIgnoreNow function) noexcept { can_ignore_now_ = function; }
    void set_receiver(Receiver function) noexcept { receiver_ = function; }

private:
    friend class DeclaredEventType;
    friend class LiveEvents;

    [[noreturn]] void refuse_kind(std::size_t level, const IndexValue& value) const;
    std::size_t own_level() const noexcept { return base_ == nullptr ? 0 : base_->depth_; }
    std::string layout() const;
    void set_identity(IndexValue identity) { levels_[own_level()].fixed = std::move(identity); }

    std::string name_;
    std::uint64_t id_;
    std::size_t size_;
    const EventType* base_;
    bool ignorable_ = true;
    mutable LivingEvents living_;
    std::vector<Level> levels_;
    std::size_t depth_ = 0;
    std::vector<Member> members_;
    std::shared_ptr<const EventDescription> description_;
    Destroy destroy_;
    CanIgnoreNow can_ignore_now_ = nullptr;
    Receiver receiver_ = nullptr;
};

/// A library's description of a type, from its first use until the library is unloaded.
class DeclaredEventType : public Link<DeclaredEventType> {
public:
    explicit DeclaredEventType(EventType type);
    ~DeclaredEventType();
    DeclaredEventType(const DeclaredEventType&) = delete;
    DeclaredEventType& operator=(const DeclaredEventType&) = delete;

    const EventType& type() const noexcept { return type_; }

private:
    friend class LiveEvents;
    void tell_from_other_layouts(const List<DeclaredEventType>& others);

    EventType type_;
};

template <class E>
concept EventClass = std::derived_from<E, Event> && !std::same_as<E, Event>;

/// Returns the description of E, made by its `declare()`.
template <EventClass E>
const EventType& event_type();

/// Returns the offset of a member of E, seen from the Event in it.
template <class E, class C, class T>
std::ptrdiff_t member_offset(T C::*member) noexcept {
    alignas(E) static char memory[sizeof(E)];
    const E* object = reinterpret_cast<const E*>(memory);
    return reinterpret_cast<const char*>(&(object->*member)) -
           reinterpret_cast<const char*>(static_cast<const Event*>(object));
}

/// Builds the description of E in its `static auto declare()`:
///
///     struct Order : weir::Event {
///         weir::Index<std::string> customer;
///         weir::Index<int> number;
///         double amount = 0;
///
///         static auto declare() {
///             return weir::declare_event<Order>("shop.Order")
///                 .index("customer", &Order::customer)
///                 .index("number", &Order::number)
///                 .member<&Order::amount>("amount");
///         }
///     };
///
/// An event type that extends another derives from its class and declares only its own indices:
/// `declare_event<RushOrder, Order>("shop.RushOrder")`.
///
/// A `bool can_ignore_now() const` in E makes blocking conditional: it is called when a blocking
/// event leaves its queue, and true lets the event pass as if it were ignorable.
///
/// A `void received() noexcept` in E is the receiver of the type: it gets each event of the type
/// after all subscribers that match, as if a handler of the whole type had subscribed last. An
/// event that one routine waits for can thus name that routine and resume it, without a matcher;
/// subscribers with a matcher, and a tracer, receive the event all the same.
template <class E, class Base = Event>
class EventDeclaration {
public:
    using Declared = E;

    explicit EventDeclaration(std::string_view name);

    template <class T, class C>
    EventDeclaration&& index(std::string_view name, Index<T> C::*member) && {
        type_.add_index(std::string(name), member_offset<E>(static_cast<Index<T> E::*>(member)));
        type_.set_kind_of_index(kind_of_index<T>);
        return std::move(*this);
    }
    template <auto Pointer>
    EventDeclaration&& member(std::string_view name) && {
        type_.add_member({std::string(name), [](const Event& event, const std::string&) {
                              return IndexValue(static_cast<const E&>(event).*Pointer);
                          }});
        return std::move(*this);
    }
    /// Events of this type are not dropped when no routine processes them; they block their queue.
    EventDeclaration&& blocking() && {
        type_.set_ignorable(false);
        return std::move(*this);
    }

    const EventType& type() const noexcept { return type_; }
    EventType& type() noexcept { return type_; }

private:
    EventType type_;
};

template <class E, class Base = Event>
EventDeclaration<E, Base> declare_event(std::string_view name) {
    return EventDeclaration<E, Base>(name);
}

}  // namespace weir
