#pragma once

namespace weir {

// A link of a Ring; derive from RingLink<T>.
template <class T>
class RingLink {
public:
    bool in_ring() const noexcept { return next_ != nullptr; }

private:
    template <class>
    friend class Ring;

    T* previous_ = nullptr;
    T* next_ = nullptr;
};

// An intrusive circle of objects that are served in turn, with one that is next. Does not own them.
template <class T>
class Ring {
public:
    bool empty() const noexcept { return current_ == nullptr; }
    T* current() const noexcept { return current_; }

    // The one whose turn it is; the turn goes on to the one after it.
    T& take_turn() noexcept {
        T* object = current_;
        current_ = link(*object).next_;
        return *object;
    }

    // To be served after all others.
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

    // To be served next.
    void insert_next(T& object) noexcept {
        insert_last(object);
        current_ = &object;
    }

    // Does nothing if the object is not in the ring.
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

private:
    static RingLink<T>& link(T& object) noexcept { return object; }

    T* current_ = nullptr;
};

}  // namespace weir
