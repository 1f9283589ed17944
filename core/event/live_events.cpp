#include "core/event/live_events.h"

#include <algorithm>
#include <mutex>
#include <new>
#include <utility>

#include "core/base/pool_permanent.h"

namespace weir {

namespace {

// One for the process. Never destroyed, because libraries may be unloaded after the static objects
// of this one are destroyed.
struct Registry {
    std::mutex mutex;
    List<DeclaredEventType> types;
    List<LiveEvents> lists;
};

Registry& registry() {
    alignas(Registry) static char memory[sizeof(Registry)];
    static auto* const registry = ::new (memory) Registry;
    return *registry;
}

}  // namespace

void LivingEvents::count(std::int64_t difference) noexcept {
    count_.fetch_add(difference, std::memory_order_relaxed);
}

DeclaredEventType::DeclaredEventType(EventType type) : type_(std::move(type)) {
    Registry& all = registry();
    const std::lock_guard lock(all.mutex);
    tell_from_other_layouts(all.types);
    all.types.push_back(*this);
    for (const LiveEvents& live : all.lists) {
        // A type that is used for the first time is counted at once, so that none of its events is
        // missed.
        if (live.covers(type_)) {
            type_.living_.begin();
        }
    }
}

void DeclaredEventType::tell_from_other_layouts(const List<DeclaredEventType>& others) {
    const std::string layout = type_.layout();
    bool is_other = false;
    for (const DeclaredEventType& other : others) {
        if (other.type_.name() != type_.name()) {
            continue;
        }
        if (other.type_.layout() == layout) {
            type_.set_identity(other.type_.identity());
            return;
        }
        is_other = true;
    }
    if (is_other) {
        const pool::Permanent permanent;  // as the type
        type_.set_identity(IndexValue(type_.name() + " with " + layout));
    }
}

DeclaredEventType::~DeclaredEventType() {
    const std::lock_guard lock(registry().mutex);
    unlink();
}

LiveEvents::LiveEvents(std::vector<AddressRange> ranges) : ranges_(std::move(ranges)) {
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
    return std::any_of(ranges_.begin(), ranges_.end(),
                       [&](const AddressRange& range) { return range.contains(&type); });
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
