#pragma once

#include <stdexcept>
#include <string_view>

namespace weir {

// What a lock operation fails with; the message says which lock, and why.
class LockError : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
    // The code of the error for callers of functions, and for rules.
    virtual std::string_view code() const noexcept { return "failed"; }
};

// There is no lock queue: the lock module has not been loaded, or it has been unloaded.
class NoLockQueue : public LockError {
public:
    using LockError::LockError;
};

// A limit of the settings is reached: too many waits, too many semaphores, too long a key.
class LockLimitReached : public LockError {
public:
    using LockError::LockError;
    std::string_view code() const noexcept override { return "limit_reached"; }
};

// An exclusive lock was asked for on a key that has a semaphore.
class NotExclusive : public LockError {
public:
    using LockError::LockError;
    std::string_view code() const noexcept override { return "not_exclusive"; }
};

// A slot of a semaphore was asked for, and the key has none.
class NoSemaphore : public LockError {
public:
    using LockError::LockError;
    std::string_view code() const noexcept override { return "no_semaphore"; }
};

// An exclusive lock was asked for by an owner that holds the key to read: it would wait for itself.
class UpgradeRefused : public LockError {
public:
    using LockError::LockError;
    std::string_view code() const noexcept override { return "upgrade_refused"; }
};

// The wait would never end, and the settings say to fail it; the message names the cycle.
class DeadlockError : public LockError {
public:
    using LockError::LockError;
    std::string_view code() const noexcept override { return "deadlock"; }
};

// The session for which the lock was wanted has been closed.
class LockSessionClosed : public LockError {
public:
    using LockError::LockError;
    std::string_view code() const noexcept override { return "session_closed"; }
};

// The lock was held, and was taken away: its time was over, an administrator has broken it, or the
// servers that decide about it may have given it to another process. The message says which.
class LockLost : public LockError {
public:
    using LockError::LockError;
    std::string_view code() const noexcept override { return "lock_lost"; }
};

// The servers that decide about locks cannot be reached: it is not known whether the lock is free.
class LockBackendUnavailable : public LockError {
public:
    using LockError::LockError;
    std::string_view code() const noexcept override { return "unavailable"; }
};

// Locks are held or waited for, so that the lock queue cannot be removed, or a semaphore cannot be
// made; the message lists by whom.
class LocksInUse : public LockError {
public:
    using LockError::LockError;
    std::string_view code() const noexcept override { return "in_use"; }
};

}  // namespace weir
