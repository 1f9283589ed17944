#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "core/base/clock.h"
#include "modules/lock/context.h"
#include "modules/lock/session.h"
#include "modules/resp/request.h"

namespace weir::resp {

class Session;

// The options of a command for locks, which follow its key.
struct LockOptions {
    std::string context{default_context};
    bool context_given = false;
    bool shared = false;
    bool read = false;
    std::optional<Duration> timeout;

    LockMode mode() const noexcept {
        return shared ? LockMode::shared : read ? LockMode::read : LockMode::exclusive;
    }
};

// Which of them a command takes.
enum class OptionsTaken { context, context_and_mode, all };

// Checks the key, which is argument `at - 1`, and returns the options from argument `at` on. If
// something is wrong, answers why and returns nothing.
std::optional<LockOptions> read_options(Session& session, const Request& request, std::size_t at,
                                        OptionsTaken takes);

}  // namespace weir::resp
