#include "modules/lock/session.h"

#include <algorithm>
#include <new>

#include "modules/lock/errors.h"
#include "modules/lock/table.h"

namespace weir {

// A wait for a kept lock: the lock is forgotten when the last one ends without it.
class LockSession::Use {
public:
    Use(LockSession& session, Key key)
        : session_(session), key_(std::move(key)), kept_(session.keep(key_)) {
        ++kept_.waits;
    }
    Use(const Use&) = delete;
    Use& operator=(const Use&) = delete;
    ~Use() {
        --kept_.waits;
        session_.forget_if_unused(key_);
    }
    Lock& lock() const noexcept { return kept_.lock; }

private:
    LockSession& session_;
    const Key key_;
    Kept& kept_;
};

LockSession::Kept& LockSession::keep(const Key& key) {
    return kept_.try_emplace(key, *this, key.second, key.first).first->second;
}

void LockSession::forget_if_unused(const Key& key) noexcept {
    const auto found = kept_.find(key);
    if (found != kept_.end() && found->second.waits == 0 && !found->second.lock.locked()) {
        kept_.erase(found);
    }
}

std::size_t LockSession::held() const noexcept {
    return static_cast<std::size_t>(std::count_if(
        kept_.begin(), kept_.end(), [](const auto& kept) { return kept.second.lock.locked(); }));
}

Task<std::optional<std::uint64_t>> LockSession::acquire(IndexValue key, std::string context,
                                                        std::optional<Duration> timeout) {
    const Use use(*this, Key(std::move(context), std::move(key)));
    if (!co_await use.lock().lock(timeout)) {
        co_return std::nullopt;
    }
    co_return use.lock().token();
}

std::optional<std::uint64_t> LockSession::try_acquire(const IndexValue& key,
                                                      const std::string& context) {
    const Use use(*this, Key(context, key));
    if (!use.lock().try_lock()) {
        return std::nullopt;
    }
    return use.lock().token();
}

bool LockSession::release(const IndexValue& key, const std::string& context) {
    const Key wanted(context, key);
    const auto found = kept_.find(wanted);
    if (found == kept_.end() || !found->second.lock.locked()) {
        return false;
    }
    found->second.lock.unlock();
    forget_if_unused(wanted);
    return true;
}

void LockSession::add(LockState& state) noexcept {
    state.session_closed = closed_;
    locks_.push_back(state);
}

void LockSession::close() noexcept {
    closed_ = true;
    for (LockState& state : locks_) {
        state.session_closed = true;
    }
    // What ends here may make locks of the session go, or try to make more.
    while (!locks_.empty()) {
        const Ref<LockState> state(&locks_.front());
        std::exception_ptr error;
        try {
            error = std::make_exception_ptr(
                LockSessionClosed(describe_lock(*state) + ": session '" + name_ + "' was closed"));
        } catch (const std::bad_alloc&) {
            error = std::current_exception();
        }
        // All locks of a scheduler are in the same table, but for what an unloaded one had.
        state->table->fail_waits(*this, error);
        state->unlock();
        state->session = nullptr;
        List<LockState, LockSession>::remove(*state);
    }
}

}  // namespace weir
