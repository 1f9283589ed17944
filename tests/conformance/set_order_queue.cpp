#include "tests/conformance/set_order_queue.h"

namespace weir::conformance {

namespace {

// Returns the integer key of an event, stored in `stored`, or null if the key is no integer.
const std::int64_t* integer_key(const EventKey& key, const Event& event, std::int64_t& stored) {
    const IndexValue& value = key(event);
    if (value.kind() != IndexValue::Kind::integer) {
        return nullptr;
    }
    stored = value.integer();
    return &stored;
}

}  // namespace

template <class Visit>
void IntegerSetOrder::probe(std::int64_t key, Visit visit) {
    constexpr std::size_t run = 9;  // consecutive slots to try
    const std::size_t mask = slots_.size() - 1;
    auto perturb = static_cast<std::size_t>(key);
    std::size_t at = perturb & mask;
    while (true) {
        const std::size_t last = at + run <= mask ? at + run : at;
        for (std::size_t slot = at; slot <= last; ++slot) {
            if (visit(slots_[slot])) {
                return;
            }
        }
        perturb >>= 5;
        at = (at * 5 + 1 + perturb) & mask;
    }
}

void IntegerSetOrder::add(std::int64_t key) {
    Slot* removed = nullptr;
    Slot* free = nullptr;
    bool present = false;
    probe(key, [&](Slot& slot) {
        if (slot.use == Use::free) {
            free = &slot;
            return true;
        }
        if (slot.use == Use::removed) {
            removed = &slot;
            return false;
        }
        present = slot.key == key;
        return present;
    });
    if (present) {
        return;
    }
    ++used_;
    if (removed != nullptr) {
        *removed = {Use::used, key};
        return;
    }
    *free = {Use::used, key};
    ++filled_;
    if (filled_ * 5 >= (slots_.size() - 1) * 3) {
        rebuild();
    }
}

void IntegerSetOrder::rebuild() {
    const std::vector<std::int64_t> all = keys();
    std::size_t size = 8;
    while (size <= used_ * 4) {
        size *= 2;
    }
    slots_.assign(size, {});
    filled_ = used_;
    for (const std::int64_t key : all) {
        probe(key, [&](Slot& slot) {
            if (slot.use != Use::free) {
                return false;
            }
            slot = {Use::used, key};
            return true;
        });
    }
}

void IntegerSetOrder::remove(std::int64_t key) {
    probe(key, [&](Slot& slot) {
        if (slot.use == Use::used && slot.key == key) {
            slot.use = Use::removed;
            --used_;
            return true;
        }
        return slot.use == Use::free;
    });
}

void IntegerSetOrder::clear() {
    slots_.assign(8, {});
    filled_ = used_ = 0;
}

std::vector<std::int64_t> IntegerSetOrder::keys() const {
    std::vector<std::int64_t> result;
    for (const Slot& slot : slots_) {
        if (slot.use == Use::used) {
            result.push_back(slot.key);
        }
    }
    return result;
}

LeafQueueFactory SetOrderQueue::factory(FairQueueOptions options) {
    return [options = std::move(options)](std::size_t max_size) {
        return std::make_unique<SetOrderQueue>(max_size, options);
    };
}

void SetOrderQueue::put_back(Event& event) {
    FairQueue::put_back(event);
    if (std::int64_t place = 0; const auto* key = integer_key(options().key, event, place)) {
        order_.add(*key);
        blocked_[*key] = &event;
    }
}

void SetOrderQueue::release_block(Event& event) {
    if (std::int64_t place = 0; const auto* key = integer_key(options().key, event, place)) {
        order_.remove(*key);
        blocked_.erase(*key);
    }
    FairQueue::release_block(event);
}

void SetOrderQueue::drop_all(QueueSignals& signals) {
    order_.clear();
    blocked_.clear();
    FairQueue::drop_all(signals);
}

void SetOrderQueue::unblock_all() {
    for (const std::int64_t key : order_.keys()) {
        release_block(*blocked_.at(key));
    }
    FairQueue::unblock_all();
}

}  // namespace weir::conformance
