#pragma once

#include <optional>
#include <string>

#include "apps/weir/lock_command.h"
#include "apps/weir/messages.h"

namespace weir::app {

// Says at which position `weir lock --verbose` waits for its lock, whenever that has changed.
class WaitingLine {
public:
    // `client`: the number that the server has given to the connection that waits. All that is
    // passed must outlive this.
    WaitingLine(const LockCommand& lock, long long client, Messages& messages);

    // Asks the server, by a connection of its own: behind a command that waits, it answers nothing.
    // Throws ConnectionError if it does not answer.
    void look();

private:
    void say(const std::string& text);
    std::optional<std::string> position(const Reply& waiters) const;

    const LockCommand& lock_;
    const std::string owner_;  // as the server lists it, without its end
    Messages& messages_;
    std::string said_;
};

}  // namespace weir::app
