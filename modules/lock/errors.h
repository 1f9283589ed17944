#pragma once

#include <stdexcept>
#include <string>

namespace weir {

// What a lock operation fails with; the message says which lock, and why.
class LockError : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

// There is no lock queue: the lock module has not been loaded, or it has been unloaded.
class NoLockQueue : public LockError {
public:
    using LockError::LockError;
};

// Too many wait already, for the key or in all.
class LockLimitReached : public LockError {
public:
    using LockError::LockError;
};

// The wait would never end, and the settings say to fail it; the message names the cycle.
class DeadlockError : public LockError {
public:
    using LockError::LockError;
};

// The session for which the lock was wanted has been closed.
class LockSessionClosed : public LockError {
public:
    using LockError::LockError;
};

// The lock queue is not removed, for locks are held or waited for; the message lists them.
class LocksInUse : public LockError {
public:
    using LockError::LockError;
};

}  // namespace weir
