#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <utility>

#include "core/event/index_value.h"

namespace weir {

/// A hash map from index values to nodes that hold their own key (`const IndexValue& key() const`).
/// Does not own the nodes. Not thread-safe.
///
/// Open addressing with linear probing, with the hash beside the pointer: a search touches one
/// cache line of the table and the node that it finds. A map of one node has no table.
template <class Node>
class NodeMap {
public:
    NodeMap() = default;
    NodeMap(const NodeMap&) = delete;
    NodeMap& operator=(const NodeMap&) = delete;

    std::size_t size() const noexcept { return size_; }
    bool empty() const noexcept { return size_ == 0; }

    [[gnu::always_inline]] Node* find(const IndexValue& key) const noexcept {
        if (slots_ == nullptr) {
            return single_ != nullptr && single_->key() == key ? single_ : nullptr;
        }
        for (std::size_t at = key.hash() & mask_; slots_[at].node != nullptr;
             at = (at + 1) & mask_) {
            if (slots_[at].hash == key.hash() && slots_[at].node->key() == key) {
                return slots_[at].node;
            }
        }
        return nullptr;
    }

    // For prefetching: where the search for a key begins, null if there is no table; and the node
    // that it probably finds, without touching that.
    const void* home(const IndexValue& key) const noexcept {
        return slots_ != nullptr ? &slots_[key.hash() & mask_] : nullptr;
    }
    Node* guess(const IndexValue& key) const noexcept {
        if (slots_ == nullptr) {
            return single_;
        }
        for (std::size_t at = key.hash() & mask_; slots_[at].node != nullptr;
             at = (at + 1) & mask_) {
            if (slots_[at].hash == key.hash()) {
                return slots_[at].node;
            }
        }
        return nullptr;
    }

    /// Requires that the map has no node with that key. Throws std::bad_alloc and then leaves the
    /// map unchanged.
    void insert(Node& node) {
        if (slots_ == nullptr && single_ == nullptr) {
            single_ = &node;
        } else {
            if (slots_ == nullptr || (size_ + 1) * 8 > capacity() * 7) {
                rehash(slots_ == nullptr ? 8 : capacity() * 2);
            }
            place(node);
        }
        ++size_;
    }

    /// Requires that the map holds the node.
    void erase(const Node& node) noexcept {
        --size_;
        if (slots_ == nullptr) {
            single_ = nullptr;
            return;
        }
        std::size_t at = node.key().hash() & mask_;
        while (slots_[at].node != &node) {
            at = (at + 1) & mask_;
        }
        // Close the gap: move up each node that a search would no longer reach.
        for (std::size_t next = (at + 1) & mask_; slots_[next].node != nullptr;
             next = (next + 1) & mask_) {
            const std::size_t home = slots_[next].hash & mask_;
            if (((next - home) & mask_) >= ((next - at) & mask_)) {
                slots_[at] = slots_[next];
                at = next;
            }
        }
        slots_[at].node = nullptr;
        if (capacity() > 8 && size_ * 8 < capacity()) {
            shrink();
        }
    }

    template <class F>
    void for_each(F visit) const {
        if (slots_ == nullptr) {
            if (single_ != nullptr) {
                visit(*single_);
            }
            return;
        }
        for (std::size_t at = 0; at != capacity(); ++at) {
            if (slots_[at].node != nullptr) {
                visit(*slots_[at].node);
            }
        }
    }

private:
    struct Slot {
        std::uint64_t hash = 0;
        Node* node = nullptr;
    };

    std::size_t capacity() const noexcept { return slots_ == nullptr ? 0 : mask_ + 1; }

    void place(Node& node) noexcept {
        std::size_t at = node.key().hash() & mask_;
        while (slots_[at].node != nullptr) {
            at = (at + 1) & mask_;
        }
        slots_[at] = {node.key().hash(), &node};
    }

    void rehash(std::size_t capacity_wanted) {
        auto old = std::exchange(slots_, std::make_unique<Slot[]>(capacity_wanted));
        const std::size_t old_capacity = old == nullptr ? 0 : mask_ + 1;
        mask_ = capacity_wanted - 1;
        if (single_ != nullptr) {
            place(*std::exchange(single_, nullptr));
        }
        for (std::size_t at = 0; at != old_capacity; ++at) {
            if (old[at].node != nullptr) {
                place(*old[at].node);
            }
        }
    }

    void shrink() noexcept {
        const std::size_t wanted = std::bit_ceil(size_ * 2 + 8);
        if (wanted >= capacity()) {
            return;
        }
        try {
            rehash(wanted);
        } catch (const std::bad_alloc&) {
            // The larger table works as well.
        }
    }

    std::unique_ptr<Slot[]> slots_;
    Node* single_ = nullptr;  // the only node while there is no table
    std::size_t mask_ = 0;
    std::size_t size_ = 0;
};

}  // namespace weir
