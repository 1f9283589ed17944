#pragma once

#include <cstddef>
#include <cstdint>

#include "core/queue/history.h"
#include "core/queue/ring.h"

namespace weir {

/// When an object is served that becomes ready again and has had less than its share of the turns.
enum class Returning {
    /// Before the others. Of several such objects, the first that became ready is served first.
    first_come,
    /// Before the others, but the last that became ready is served first: that turns the order
    /// round in which they became ready. As VLCP has it.
    last_come,
    /// Last, as any other object: objects are first served in the order in which they became ready.
    in_turn,
};

/// The rule of FairTurns for queues and for the keys of locks.
struct LastCome {
    static constexpr Returning returning = Returning::last_come;
};

/// What an object has that takes turns; derive from FairLink<T>.
template <class T>
class FairLink : public RingLink<T> {
public:
    /// Returns whether the object has a share of the turns.
    bool has_share() const noexcept { return has_share_; }
    /// Returns how many of the turns that are remembered were the object's.
    std::int32_t served() const noexcept { return served_; }

private:
    template <class, class>
    friend class FairTurns;

    std::int32_t served_ = 0;
    bool has_share_ = false;
    bool returned_ = false;  // it is before the others; see FairTurns::behind_
};

/// Decides whose turn it is, fairly: the rule by which the queues of one priority, the classes of a
/// FairQueue and the keys of locks are served.
///
/// Objects that are ready to be served stand in a ring and are served in turn. A history remembers
/// the latest turns. An object that becomes ready comes last, unless it has had fewer of these
/// turns than its share, which is the same for all objects that have one: then it comes before the
/// others, see Returning. So an object that is seldom ready is served at once, and one that is
/// always ready cannot delay it.
///
/// An object has a share from when it first becomes ready until the caller says otherwise. How long
/// the history is, and what follows when a turn leaves it, is the caller's rule too; see served().
///
/// `Rule` says when an object is served that returns: a type with a `Returning returning`, which is
/// a constant except where the user chooses.
///
/// Does not own the objects. Belongs to one thread. Only make_room() and served() without room need
/// memory.
template <class T, class Rule = LastCome>
class FairTurns {
public:
    explicit FairTurns(Rule rule = {}) noexcept : rule_(rule) {}

    /// Returns whether no object is ready.
    bool empty() const noexcept { return ready_.empty(); }
    /// Returns the object whose turn is next; null if none is ready.
    T* next() const noexcept { return ready_.current(); }
    /// Calls visit(object) for each object that is ready, in turn.
    template <class F>
    void for_each_ready(F visit) const {
        ready_.for_each(visit);
    }
    /// Returns the number of objects that have a share.
    std::size_t shares() const noexcept { return shares_; }
    /// Returns the number of turns in the history.
    std::size_t remembered() const noexcept { return history_.size(); }

    /// Reserves memory so that the next so many served() cannot fail.
    void make_room(std::size_t turns = 1) { history_.make_room(turns); }

    /// Gives the object a share, if it has none.
    void add_share(T& object) noexcept {
        FairLink<T>& link = object;
        if (!link.has_share_) {
            link.has_share_ = true;
            ++shares_;
        }
    }
    /// Takes the object's share back, if it has one. From then on its turns in the history count
    /// for nothing.
    void drop_share(T& object) noexcept {
        FairLink<T>& link = object;
        if (link.has_share_) {
            link.has_share_ = false;
            link.served_ = 0;
            --shares_;
        }
    }

    /// Adds an object that has become ready: before the others if it has had less than its share,
    /// last otherwise. Requires that it is not in the ring.
    void add(T& object) noexcept {
        add_share(object);
        const FairLink<T>& link = object;
        // In whole numbers: served / remembered >= 1 / shares.
        if (std::int64_t{link.served_} * static_cast<std::int64_t>(shares_) >=
                static_cast<std::int64_t>(history_.size()) ||
            rule_.returning == Returning::in_turn) {
            add_last(object);
        } else if (rule_.returning == Returning::last_come) {
            ready_.insert_next(object);
        } else {
            add_returned(object);
        }
    }
    /// Adds an object, last, whatever it has had.
    void add_last(T& object) noexcept {
        ready_.insert_last(object);
        if (some_returned() && behind_ == nullptr) {
            behind_ = &object;
        }
    }
    /// Removes an object that is no longer ready; does nothing if it is not in the ring.
    void remove(T& object) noexcept {
        if (some_returned()) [[unlikely]] {
            leave_returned(object);
        }
        ready_.remove(object);
    }
    void remove_all() noexcept {
        while (T* object = ready_.current()) {
            remove(*object);
        }
    }

    /// Returns the object whose turn it is, and passes the turn on. Requires that one is ready.
    T& take_turn() noexcept {
        T& object = ready_.take_turn();
        if (some_returned()) [[unlikely]] {
            count_returned(object);
            // It is behind those that have returned, as the first if there is no other.
            if (some_returned() && behind_ == nullptr) {
                behind_ = &object;
            }
        }
        return object;
    }

    /// Remembers that the object was served. most() says how many turns are remembered at most; for
    /// each older one forget(object) is called, with null for one of forget_object().
    template <class Most, class Forget>
    void served(T& object, Most most, Forget forget) {
        FairLink<T>& link = object;
        // The most common case, one object that is served again and again: its oldest turn would
        // leave, and an equal one come.
        if (link.has_share_ && static_cast<std::size_t>(link.served_) == history_.size() &&
            history_.size() == most()) {
            return;
        }
        add_share(object);
        ++link.served_;
        while (history_.size() >= most()) {
            forget(history_.pop_front());
        }
        history_.push_back(&object);
    }
    /// For forget(): takes back one turn of the object. Returns whether none is left.
    static bool forget_turn(T& object) noexcept {
        FairLink<T>& link = object;
        return --link.served_ <= 0;
    }
    /// Removes the oldest turn from the history, and returns whose it was. Requires that there is
    /// one.
    T* pop_oldest() noexcept { return history_.pop_front(); }
    /// Forgets an object that is about to be destroyed. The history keeps its turns, without owner.
    void forget_object(T& object) noexcept { history_.replace(&object, nullptr); }

private:
    // False is known when this is compiled unless the rule says first come.
    bool some_returned() const noexcept {
        return rule_.returning == Returning::first_come && returned_ != 0;
    }
    void add_returned(T& object) noexcept {
        static_cast<FairLink<T>&>(object).returned_ = true;
        if (returned_ == 0) {
            behind_ = ready_.current();
            ready_.insert_next(object);
        } else if (behind_ != nullptr) {
            ready_.insert_before(*behind_, object);
        } else {
            ready_.insert_last(object);
        }
        ++returned_;
    }
    void count_returned(T& object) noexcept {
        static_cast<FairLink<T>&>(object).returned_ = false;
        if (--returned_ == 0) {
            behind_ = nullptr;
        }
    }
    void leave_returned(T& object) noexcept {
        if (static_cast<FairLink<T>&>(object).returned_) {
            count_returned(object);
        } else if (&object == behind_) {
            T* const next = ready_.next(object);
            behind_ = static_cast<FairLink<T>&>(*next).returned_ ? nullptr : next;
        }
    }

    Ring<T> ready_;
    History<T*> history_;
    std::size_t shares_ = 0;
    // Objects that were added before the others and have not been served: the first in the ring.
    std::size_t returned_ = 0;
    T* behind_ = nullptr;  // the first object behind these; null if there is none, or none of these
    [[no_unique_address]] const Rule rule_;
};

}  // namespace weir
