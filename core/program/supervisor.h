#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "core/base/clock.h"

namespace weir {

/// The program that has started this one and watches over it: systemd, or another that speaks its
/// protocol (sd_notify). It learns when this program has started, reads its configuration again, or
/// ends, and, if it asks for that, that the loop still runs.
///
/// Each message is a datagram, sent at once and without waiting; the functions may be called on any
/// thread. They return false if the supervisor cannot be reached. Without a supervisor they do
/// nothing, and return true.
class Supervisor {
public:
    /// Makes one that is not there.
    Supervisor() = default;
    /// Takes what the environment says: NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID. Removes
    /// these variables, and those of HandedSockets once it has read them, so that no child takes
    /// them for its own. Requires that no other thread uses the environment.
    static Supervisor of_environment();
    /// Sends to a socket: a path, or '@' and an abstract name. `watchdog`: see below.
    explicit Supervisor(std::string socket, std::optional<Duration> watchdog = {});

    bool present() const noexcept { return !socket_.empty(); }
    /// Returns the longest time between two calls of alive() that the supervisor accepts before it
    /// restarts this program; none: it does not ask for them.
    std::optional<Duration> watchdog() const noexcept { return watchdog_; }

    /// `status`: a line for people, as `systemctl status` shows it.
    bool status(std::string_view status) const noexcept;
    bool ready(std::string_view status) const noexcept;
    /// ready() says when that is done.
    bool reloading(std::string_view status) const noexcept;
    bool stopping(std::string_view status) const noexcept;
    bool alive() const noexcept;

private:
    bool send(std::string_view message, std::string_view status = {}) const noexcept;

    std::string socket_;
    std::optional<Duration> watchdog_;
};

}  // namespace weir
