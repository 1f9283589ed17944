#include "modules/lock/session.h"

#include <algorithm>
#include <cassert>
#include <new>

#include "modules/lock/errors.h"
#include "modules/lock/events.h"
#include "modules/lock/table.h"

namespace weir {

namespace {

// A session keeps so many; it forgets the oldest.
constexpr std::size_t most_lost = 1000;

}  // namespace

// --- Acquiring

LockSession::Acquiring::Acquiring(LockSession& session, Key key, std::optional<Duration> timeout,
                                  LockMode mode)
    : session_(session),
      mode_(mode),
      kept_(session.use(std::move(key), mode == LockMode::read)),
      wait_(kept_->second.lock.lock(timeout)) {}

LockSession::Acquiring::~Acquiring() {
    session_.end_use(kept_);
}

bool LockSession::Acquiring::try_now() {
    session_.check(kept_->second, mode_);
    ready_ = kept_->second.lock.try_lock();
    return ready_;
}

bool LockSession::Acquiring::await_ready() {
    LockState& state = kept_->second.lock.state_;
    if (table_of(state).backend() == nullptr) [[likely]] {
        return try_now();
    }
    session_.check(kept_->second, mode_);
    ready_ = state.check_held();
    return ready_;
}

std::optional<std::uint64_t> LockSession::Acquiring::await_resume() {
    if (!ready_ && !wait_.await_resume()) {
        return std::nullopt;
    }
    kept_->second.mode = mode_;
    if (!session_.lost_.empty()) [[unlikely]] {
        session_.forget_lost(kept_->first);
    }
    return kept_->second.lock.token();
}

// --- Lock

Lock::Lock(LockSession& session, IndexValue&& key, std::string_view context, bool reads)
    : Lock(LockTable::of(session.scheduler()), std::move(key), context, reads, &session.record_) {
    state_.session_closed = session.closed();
    session.record_.locks.push_back(state_);
}

Lock::Lock(LockSession& session, IndexValue key, std::string_view context)
    : Lock(session, std::move(key), context, false) {}

// --- LockSession

// Returns the lock of the key, which stays until end_use(). If there is none, makes one, to read or
// not.
LockSession::Locks::iterator LockSession::use(Key key, bool reads) {
    auto at = kept_.lower_bound(key);
    if (at == kept_.end() || at->first != key) {
        LockTable::of(scheduler_).check_key(key.second, key.first);
        at = kept_.try_emplace(at, key, *this, key, reads, share_of(key));
    }
    ++at->second.uses;
    return at;
}

LockAllowances::Share LockSession::share_of(const Key& key) {
    if (client_.empty()) {
        return {};
    }
    LockAllowances& all = LockTable::of(scheduler_).allowances();
    if (account_ == nullptr || &account_->of() != &all) {
        account_ = all.account(client_);
    }
    const std::size_t bytes =
        key.second.kind() == IndexValue::Kind::text ? key.second.text().size() : 0;
    return {account_, LockAllowances::bytes_of_lock(key.first.size() + bytes)};
}

Matcher LockSession::lost_matcher() const {
    const SessionRecord* const identity = &record_;
    return match<LockLostEvent>(any, any, any, identity).make();
}

// Returns what is known of the loss of the key, and forgets it.
std::optional<LostLock> LockSession::forget_lost(const Key& key) {
    const auto found = std::ranges::find_if(lost_, [&key](const LostLock& lost) {
        return lost.context == key.first && lost.key == key.second;
    });
    if (found == lost_.end()) {
        return std::nullopt;
    }
    std::optional<LostLock> lost = std::move(*found);
    lost_.erase(found);
    return lost;
}

void LockSession::lock_lost(const LostLock& lost) noexcept {
    try {
        const Key key(lost.context, lost.key);
        forget_lost(key);
        if (lost_.size() == most_lost) {
            lost_.erase(lost_.begin());
        }
        lost_.push_back(lost);
        if (const auto kept = kept_.find(key); kept != kept_.end() && kept->second.uses == 0) {
            kept_.erase(kept);
        }
    } catch (const std::bad_alloc&) {
        scheduler_.log_exception("noting that a lock is lost");
    }
    if (listener_ != nullptr) {
        listener_->lock_lost(lost);
    }
}

void LockSession::end_use(Locks::iterator kept) noexcept {
    assert(kept->second.uses != 0);
    if (--kept->second.uses == 0 && !kept->second.lock.locked()) {
        kept_.erase(kept);
    }
}

// Throws if the lock cannot be had in this mode.
void LockSession::check(Kept& kept, LockMode mode) const {
    if (record_.closed) {
        return;
    }
    LockState& state = kept.lock.state_;
    if (state.reads && mode != LockMode::read) {
        throw UpgradeRefused(describe_lock(state) +
                             ": this session holds it to read, or waits for that: it has to give "
                             "that back first");
    }
    if (mode == LockMode::by_key) {
        return;
    }
    const LockKey& key = table_of(state).resolve(state);
    if (mode == LockMode::shared) {
        if (!key.is_semaphore()) {
            throw NoSemaphore(describe_lock(state) + ": the key has no semaphore to share");
        }
        return;
    }
    if (key.is_semaphore()) {
        throw NotExclusive(describe_lock(state) + ": the key has a semaphore of size " +
                           std::to_string(key.size()) + made_by(key) +
                           ": it can be locked as shared only");
    }
    if (kept.lock.locked() && kept.mode == LockMode::shared) {
        throw NotExclusive(describe_lock(state) + ": this session holds it as shared");
    }
}

std::optional<std::uint64_t> LockSession::try_acquire(IndexValue key, std::string context,
                                                      LockMode mode) {
    Acquiring acquiring(*this, Key(std::move(context), std::move(key)), {}, mode);
    return acquiring.try_now() ? acquiring.await_resume() : std::nullopt;
}

bool LockSession::holds(const IndexValue& key, const std::string& context) const {
    const auto found = kept_.find(Key(context, key));
    return found != kept_.end() && found->second.lock.locked();
}

Duration LockSession::confirmed_for(const IndexValue& key, const std::string& context) const {
    const auto found = kept_.find(Key(context, key));
    return found == kept_.end() || !found->second.lock.locked()
               ? Duration::zero()
               : found->second.lock.state_.event->confirmed_for();
}

Duration LockSession::confirmed_for() const noexcept {
    Duration shortest = Duration::max();
    for (const auto& [key, kept] : kept_) {
        if (kept.lock.locked()) {
            shortest = std::min(shortest, kept.lock.state_.event->confirmed_for());
        }
    }
    return shortest;
}

std::size_t LockSession::position(const IndexValue& key, const std::string& context) const {
    const auto found = kept_.find(Key(context, key));
    return found == kept_.end() ? 0 : found->second.lock.position();
}

bool LockSession::has_lost(const IndexValue& key, const std::string& context) const {
    return std::ranges::any_of(
        lost_, [&](const LostLock& lost) { return lost.context == context && lost.key == key; });
}

bool LockSession::release(const IndexValue& key, const std::string& context) {
    const Key name(context, key);
    const auto kept = kept_.find(name);
    if (kept != kept_.end() && kept->second.lock.state_.held() && !kept->second.lock.locked()) {
        table_of(kept->second.lock.state_).lose(*kept->second.lock.state_.event);
    }
    const auto found = kept_.find(name);
    if (found == kept_.end() || !found->second.lock.state_.held()) {
        if (const std::optional<LostLock> lost = forget_lost(name)) {
            throw LockLost(describe_lock(key, context) + " was lost: " + lost->reason);
        }
        return false;
    }
    found->second.lock.unlock();
    if (found->second.uses == 0) {
        kept_.erase(found);
    }
    return true;
}

void LockSession::close() noexcept {
    record_.closed = true;
    for (LockState& state : record_.locks) {
        state.session_closed = true;
    }
    while (!record_.locks.empty()) {
        LockState& state = record_.locks.front();
        if (table_of(state).waits(record_)) {
            // Code that runs when a wait ends here may destroy locks of the session, or try to make
            // more.
            end_waits(state);
            continue;
        }
        state.give_back();
        state.session = nullptr;
        List<LockState, SessionRecord>::remove(state);
    }
    std::erase_if(kept_, [](const auto& kept) { return kept.second.uses == 0; });
}

// All locks of a scheduler are in the same table, but for those of one that was unloaded.
void LockSession::end_waits(const LockState& state) noexcept {
    const Ref<LockTable> table(&table_of(state));
    std::exception_ptr error;
    try {
        error = std::make_exception_ptr(LockSessionClosed(describe_lock(state) + ": session '" +
                                                          record_.name + "' was closed"));
    } catch (const std::bad_alloc&) {
        error = std::current_exception();
    }
    table->fail_waits(record_, error);
}

}  // namespace weir
