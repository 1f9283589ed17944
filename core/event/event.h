#pragma once

#include <atomic>
#include <concepts>
#include <cstdint>
#include <memory>
#include <new>
#include <string>
#include <type_traits>
#include <utility>

#include "core/base/list.h"
#include "core/base/pool.h"
#include "core/base/ref.h"
#include "core/event/event_type.h"
#include "core/event/index_value.h"

namespace weir {

class LeafQueue;
struct BlockedEventSlot;

/// The base of all events: an object that is sent into a queue and delivered to the routines whose
/// matchers match it. EventDeclaration shows how to declare an event type; make_event() makes an
/// event.
///
/// Counted by references (Ref<Order>). Belongs to one thread and is in at most one queue at a time.
class Event : public Link<Event> {
public:
    Event() noexcept = default;
    /// A copy is a new event of the same content, in no queue.
    Event(const Event&) noexcept : Link<Event>() {}
    Event& operator=(const Event&) noexcept { return *this; }

    const EventType& type() const noexcept { return *type_; }

    template <EventClass E>
    bool is() const noexcept {
        const EventType& wanted = event_type<E>();
        return type_ == &wanted || type_->is_a(wanted);
    }
    /// Requires that the event is an E.
    template <EventClass E>
    E& as() noexcept {
        return static_cast<E&>(*this);
    }
    template <EventClass E>
    const E& as() const noexcept {
        return static_cast<const E&>(*this);
    }

    /// Returns whether the event may be dropped when no routine processes it. A routine that
    /// processes a blocking event calls `set_ignorable()` at once, before it waits for anything
    /// else.
    bool ignorable() const noexcept { return ignorable_; }
    void set_ignorable(bool ignorable = true) noexcept { ignorable_ = ignorable; }

    /// Returns whether the event came from another process by a bridge, which forwards events
    /// between processes. Bridges forward no such event, because it would circle between them.
    bool bridged() const noexcept { return bridged_; }
    void set_bridged() noexcept { bridged_ = true; }

    /// Returns whether the event would be dropped now if no routine processed it: it is ignorable,
    /// or its type's `can_ignore_now()` returns true. Throws what that function throws.
    bool droppable() const {
        return ignorable_ || (type_->can_ignore_now_function() != nullptr &&
                              type_->can_ignore_now_function()(*this));
    }

    /// Returns the value at a level of the event's path (see EventType). Requires level < levels().
    const IndexValue& at(std::size_t level) const noexcept {
        const EventType::Level& description = type_->levels()[level];
        return description.offset < 0
                   ? description.fixed
                   : *reinterpret_cast<const IndexValue*>(reinterpret_cast<const char*>(this) +
                                                          description.offset);
    }
    std::size_t levels() const noexcept { return type_->depth(); }

    /// For logs: shop.Order(customer="bob", number=7).
    std::string describe() const;

    void retain() noexcept { ++references_; }
    void release() noexcept {
        if (--references_ == 0) {
            type_->add_living(-1);
            type_->destroy_function()(this);
        }
    }

    /// Returns whether there is one reference only: the caller's.
    bool sole() const noexcept { return references_ == 1; }

    bool queued() const noexcept { return queued_in_ != nullptr; }
    /// Returns the leaf queue that holds the event, or null.
    const LeafQueue* queued_in() const noexcept { return queued_in_; }
    LeafQueue* queued_in() noexcept { return queued_in_; }
    /// Returns the leaf queue that the event blocks, or null.
    const LeafQueue* blocks() const noexcept { return blocked_in_; }

    /// Completes an event whose type was made at run time; make_event() calls it for all other
    /// types. Called once.
    void set_type(const EventType& type) noexcept {
        type_ = &type;
        type.add_living(1);
        ignorable_ = type.ignorable();
    }

private:
    friend class LeafQueue;
    friend class Queue;
    friend class BlockedEvents;

    const EventType* type_ = nullptr;
    std::uint32_t references_ = 0;
    bool ignorable_ = true;
    bool blocks_ = false;  // a priority queue holds it as a block
    bool bridged_ = false;
    LeafQueue* queued_in_ = nullptr;            // the queue that holds it
    LeafQueue* blocked_in_ = nullptr;           // the queue that it blocks
    BlockedEventSlot* blocked_slot_ = nullptr;  // its slot among the blocked events
};

/// Makes an event of type E. `arguments` go to its constructor or, if it has none, to its members
/// in order, the base's first. A single argument of type E is copied: a new event of the same
/// content.
template <EventClass E, class... Arguments>
Ref<E> make_event(Arguments&&... arguments) {
    const EventType& type = event_type<E>();
    void* memory = pool::allocate(sizeof(E));
    E* event = nullptr;
    try {
        constexpr bool copied =
            sizeof...(Arguments) == 1 && (std::same_as<std::remove_cvref_t<Arguments>, E> && ...);
        if constexpr (std::is_aggregate_v<E> && !copied) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"
#pragma GCC diagnostic ignored "-Wmissing-braces"
            event = ::new (memory) E{Event(), std::forward<Arguments>(arguments)...};
#pragma GCC diagnostic pop
        } else {
            event = ::new (memory) E(std::forward<Arguments>(arguments)...);
        }
    } catch (...) {
        pool::deallocate(memory, sizeof(E));
        throw;
    }
    event->set_type(type);
    return Ref<E>(event);
}

namespace detail {

// The description of E after its first use, so that later uses need no call.
template <EventClass E>
inline constinit std::atomic<const EventType*> made_event_type{nullptr};

template <EventClass E>
[[gnu::noinline, gnu::cold]] const EventType& make_event_type() {
    static_assert(std::same_as<typename decltype(E::declare())::Declared, E>,
                  "each event type has a declare() of its own");
    static const DeclaredEventType declared(E::declare().type());
    made_event_type<E>.store(&declared.type(), std::memory_order_release);
    return declared.type();
}

}  // namespace detail

template <EventClass E>
inline const EventType& event_type() {
    const EventType* const made = detail::made_event_type<E>.load(std::memory_order_acquire);
    return made != nullptr ? *made : detail::make_event_type<E>();
}

template <class E, class Base>
EventDeclaration<E, Base>::EventDeclaration(std::string_view name)
    : type_(
          name,
          [] {
              static_assert(std::derived_from<E, Base> && std::derived_from<Base, Event>);
              if constexpr (std::same_as<Base, Event>) {
                  return static_cast<const EventType*>(nullptr);
              } else {
                  return &event_type<Base>();
              }
          }(),
          [](Event* event) noexcept {
              auto* object = static_cast<E*>(event);
              object->~E();
              pool::deallocate(object, sizeof(E));
          },
          sizeof(E)) {
    if constexpr (requires(const E& event) {
                      { event.can_ignore_now() } -> std::convertible_to<bool>;
                  }) {
        type_.set_can_ignore_now([](const Event& event) -> bool {
            return static_cast<const E&>(event).can_ignore_now();
        });
    }
    if constexpr (requires(E& event) { event.received(); }) {
        static_assert(noexcept(std::declval<E&>().received()));
        type_.set_receiver([](Event& event) noexcept { static_cast<E&>(event).received(); });
    }
}

}  // namespace weir
