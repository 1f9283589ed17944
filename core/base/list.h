#pragma once

#include <cstddef>

namespace weir {

/// The link of an object in an intrusive, circular, doubly linked list. An unlinked link points to
/// itself; its destructor unlinks it. Copying an object does not copy its membership. An object
/// that is in several lists has one link, with a `Tag` of its own, for each.
template <class T, class Tag = void>
class Link {
public:
    Link() noexcept = default;
    Link(const Link&) noexcept {}
    Link& operator=(const Link&) noexcept { return *this; }
    ~Link() { leave(); }

    bool linked() const noexcept { return next_ != this; }

    void unlink() noexcept {
        previous_->next_ = next_;
        next_->previous_ = previous_;
        previous_ = next_ = this;
    }

private:
    template <class, class>
    friend class List;

    void leave() noexcept {
        if (linked()) {
            unlink();
        }
    }
    void link_before(Link& other) noexcept {
        previous_ = other.previous_;
        next_ = &other;
        previous_->next_ = this;
        other.previous_ = this;
    }

    Link* previous_ = this;
    Link* next_ = this;
};

/// An intrusive list of objects that derive from Link<T, Tag>. The list does not own its objects
/// and allocates nothing. An object that is destroyed leaves its list. While a list is iterated,
/// any object may be inserted or removed, except that the object under the iterator must not be
/// removed.
///
/// Not thread-safe.
template <class T, class Tag = void>
class List {
    using Hook = Link<T, Tag>;

public:
    class iterator {
    public:
        explicit iterator(Hook* at) noexcept : at_(at) {}
        T& operator*() const noexcept { return *static_cast<T*>(at_); }
        T* operator->() const noexcept { return static_cast<T*>(at_); }
        iterator& operator++() noexcept {
            at_ = at_->next_;
            return *this;
        }
        friend bool operator==(const iterator& a, const iterator& b) noexcept {
            return a.at_ == b.at_;
        }

    private:
        friend class List;
        Hook* at_;
    };

    List() = default;
    List(const List&) = delete;
    List& operator=(const List&) = delete;
    ~List() { clear(); }

    bool empty() const noexcept { return !head_.linked(); }
    /// Returns whether `object` is the list's only object. Requires that it is in a list of this
    /// type.
    bool is_only(const T& object) const noexcept {
        const Hook& hook = object;
        return hook.next_ == &head_ && hook.previous_ == &head_;
    }
    bool has_one() const noexcept { return !empty() && head_.next_ == head_.previous_; }
    T& front() const noexcept { return *static_cast<T*>(head_.next_); }
    T& back() const noexcept { return *static_cast<T*>(head_.previous_); }

    /// Each insertion first takes the object out of the list that it is in, if any.
    void push_back(T& object) noexcept {
        Hook& hook = object;
        hook.leave();
        hook.link_before(head_);
    }
    void push_front(T& object) noexcept {
        Hook& hook = object;
        hook.leave();
        hook.link_before(*head_.next_);
    }
    /// Takes over all objects of another list, in their order, behind its own.
    void take_all(List& other) noexcept {
        if (other.empty()) {
            return;
        }
        Hook& first = *other.head_.next_;
        Hook& last = *other.head_.previous_;
        first.previous_ = head_.previous_;
        first.previous_->next_ = &first;
        last.next_ = &head_;
        head_.previous_ = &last;
        other.head_.previous_ = other.head_.next_ = &other.head_;
    }
    static void insert_before(T& position, T& object) noexcept {
        Hook& hook = object;
        hook.leave();
        hook.link_before(position);
    }
    void insert_before(iterator position, T& object) noexcept {
        Hook& hook = object;
        hook.leave();
        hook.link_before(*position.at_);
    }
    static void remove(T& object) noexcept { static_cast<Hook&>(object).unlink(); }
    T& pop_front() noexcept {
        T& object = front();
        remove(object);
        return object;
    }

    /// Returns the object after `object`, or null at the end.
    T* next(const T& object) const noexcept {
        Hook* after = static_cast<const Hook&>(object).next_;
        return after == &head_ ? nullptr : static_cast<T*>(after);
    }

    void clear() noexcept {
        while (!empty()) {
            head_.next_->unlink();
        }
    }

    iterator begin() const noexcept { return iterator(head_.next_); }
    iterator end() const noexcept { return iterator(const_cast<Hook*>(&head_)); }

private:
    Hook head_;
};

}  // namespace weir
