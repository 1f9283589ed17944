#pragma once

namespace weir {

/// A link of a Ring; derive from RingLink<T>.
template <class T>
class RingLink {
public:
    /// Returns whether the object is in a ring.
    bool in_ring() const noexcept { return next_ != nullptr; }

private:
    template <class>
    friend class Ring;

    T* previous_ = nullptr;
    T* next_ = nullptr;
};

/// An intrusive circular list of objects that are served in turn. One of them is the current one:
/// it is served next. Does not own the objects. All functions are O(1), but for clear() and
/// for_each().
template <class T>
class Ring {
public:
    bool empty() const noexcept { return current_ == nullptr; }
    /// Returns the object that is served next; null if the ring is empty.
    T* current() const noexcept { return current_; }

    /// Returns the current object, and makes the one after it current. Requires that there is one.
    T& take_turn() noexcept {
        T* object = current_;
        current_ = link(*object).next_;
        return *object;
    }

    /// Inserts an object that is served after all others.
    void insert_last(T& object) noexcept {
        if (current_ == nullptr) {
            link(object).previous_ = link(object).next_ = &object;
            current_ = &object;
            return;
        }
        T* previous = link(*current_).previous_;
        link(object).previous_ = previous;
        link(object).next_ = current_;
        link(*previous).next_ = &object;
        link(*current_).previous_ = &object;
    }

    /// Inserts an object that is served next.
    void insert_next(T& object) noexcept {
        insert_last(object);
        current_ = &object;
    }

    /// Inserts an object that is served just before `position`, which is in the ring and not the
    /// current object.
    void insert_before(T& position, T& object) noexcept {
        T* const previous = link(position).previous_;
        link(object).previous_ = previous;
        link(object).next_ = &position;
        link(*previous).next_ = &object;
        link(position).previous_ = &object;
    }

    /// Returns the object after this one, which is in the ring.
    T* next(T& object) const noexcept { return link(object).next_; }

    /// Removes the object; does nothing if it is not in the ring.
    void remove(T& object) noexcept {
        RingLink<T>& removed = link(object);
        if (removed.next_ == nullptr) {
            return;
        }
        if (current_ == &object) {
            current_ = removed.next_ == &object ? nullptr : removed.next_;
        }
        link(*removed.previous_).next_ = removed.next_;
        link(*removed.next_).previous_ = removed.previous_;
        removed.previous_ = removed.next_ = nullptr;
    }

    void clear() noexcept {
        while (current_ != nullptr) {
            remove(*current_);
        }
    }

    /// Calls visit(object) for each object, the current one first. Requires that the visits leave
    /// the ring as it is.
    template <class F>
    void for_each(F visit) const {
        if (T* object = current_) {
            do {
                visit(*object);
                object = link(*object).next_;
            } while (object != current_);
        }
    }

private:
    static RingLink<T>& link(T& object) noexcept { return object; }

    T* current_ = nullptr;
};

}  // namespace weir
