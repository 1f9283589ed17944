#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "apps/weir/resp_client.h"

namespace weir::app {

// Tells until when a lock certainly is held: the server is asked again and again, because other
// servers may decide about its locks. They give a lock to another client while that server is
// stopped.
//
// A clock counts that goes on while the machine sleeps: theirs does, too.
class LockValidity {
public:
    // `context` is empty for the usual one.
    LockValidity(const std::string& key, const std::string& context);

    // Returns the command that asks the server. An answer counts from this moment.
    const std::vector<std::string>& ask();
    // Takes the answer. An error leaves what is known: from a server that does not know the
    // command, and therefore decides alone. Returns false if the lock is not held any more.
    bool answered(const Reply& reply);

    // Returns how long the lock is still certain, zero if it is not; nothing: as long as the
    // connection lasts.
    std::optional<std::chrono::nanoseconds> left() const;

private:
    const std::vector<std::string> question_;
    std::chrono::nanoseconds asked_{};               // since the machine has started
    std::optional<std::chrono::nanoseconds> until_;  // the same
};

}  // namespace weir::app
