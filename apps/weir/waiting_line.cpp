#include "apps/weir/waiting_line.h"

#include <vector>

#include "config/text/quoted.h"

namespace weir::app {

WaitingLine::WaitingLine(const LockCommand& lock, long long client, Messages& messages)
    : lock_(lock), owner_("session 'client " + std::to_string(client) + "'"), messages_(messages) {}

void WaitingLine::look() {
    RespClient server(lock_.server, lock_.server_timeout, lock_.tls);
    if (const auto request = login_request(lock_.credentials)) {
        static_cast<void>(server.command(*request));  // if it is refused, so is the next one
    }
    std::vector<std::string> request{"WAITERS", lock_.key};
    if (!lock_.context.empty()) {
        request.insert(request.end(), {"CONTEXT", lock_.context});
    }
    const Reply waiters = server.command(request);
    if (waiters.kind() == Reply::Kind::error) {
        say("the position in the line is not known: " + waiters.error());
    } else if (const std::optional<std::string> found = position(waiters)) {
        say("position " + *found);
    }
}

void WaitingLine::say(const std::string& text) {
    if (text != said_) {
        said_ = text;
        messages_.say("waiting for '" + config::printable(lock_.key, 200) + "': " + text);
    }
}

// Nothing if it does not wait any more, or not yet.
std::optional<std::string> WaitingLine::position(const Reply& waiters) const {
    for (const std::vector<std::string>& waiter : waiters.rows()) {
        std::string owner;
        std::string position;
        for (std::size_t i = 0; i + 1 < waiter.size(); i += 2) {
            if (waiter[i] == "owner") {
                owner = waiter[i + 1];
            } else if (waiter[i] == "position") {
                position = waiter[i + 1];
            }
        }
        if (owner == owner_) {
            return position;
        }
    }
    return std::nullopt;
}

}  // namespace weir::app
