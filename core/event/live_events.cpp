#include "core/event/live_events.h"

#include <algorithm>
#include <mutex>
#include <new>
#include <utility>

namespace weir {

namespace {

// All of the process. Not destroyed, for libraries may leave after the static objects of this one.
struct Registry {
    std::mutex mutex;
    List<DeclaredEventType> types;
    List<LiveEvents> lists;
};

Registry& registry() {
    alignas(Registry) static char place[sizeof(Registry)];
    static auto* const registry = ::new (place) Registry;
    return *registry;
}

}  // namespace

void LivingEvents::count(std::int64_t difference) noexcept {
    count_.fetch_add(difference, std::memory_order_relaxed);
}

DeclaredEventType::DeclaredEventType(EventType type) : type_(std::move(type)) {
    Registry& all = registry();
    const std::lock_guard lock(all.mutex);
    all.types.push_back(*this);
    for (const LiveEvents& census : all.lists) {
        if (census.covers(type_)) {
            type_.living_.begin();
        }
    }
}

DeclaredEventType::~DeclaredEventType() {
    const std::lock_guard lock(registry().mutex);
    unlink();
}

LiveEvents::LiveEvents(std::vector<AddressRange> places) : places_(std::move(places)) {
    Registry& all = registry();
    const std::lock_guard lock(all.mutex);
    all.lists.push_back(*this);
    for (DeclaredEventType& declared : all.types) {
        if (covers(declared.type_)) {
            declared.type_.living_.begin();
        }
    }
}

LiveEvents::~LiveEvents() {
    const std::lock_guard lock(registry().mutex);
    unlink();
}

bool LiveEvents::covers(const EventType& type) const noexcept {
    return std::any_of(places_.begin(), places_.end(),
                       [&](const AddressRange& place) { return place.contains(&type); });
}

void LiveEvents::for_each_living(
    const std::function<void(const EventType& type, std::uint64_t count)>& function) const {
    Registry& all = registry();
    const std::lock_guard lock(all.mutex);
    for (const DeclaredEventType& declared : all.types) {
        const std::int64_t count = declared.type_.living_.count();
        if (count > 0 && covers(declared.type_)) {
            function(declared.type_, static_cast<std::uint64_t>(count));
        }
    }
}

}  // namespace weir
