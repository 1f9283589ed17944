#include "apps/weir/lock_validity.h"

#include <algorithm>
#include <ctime>

namespace weir::app {

namespace {

std::chrono::nanoseconds since_boot() {
    timespec time{};
    clock_gettime(CLOCK_BOOTTIME, &time);
    return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

std::vector<std::string> question(const std::string& key, const std::string& context) {
    std::vector<std::string> words{"VALIDITY", key};
    if (!context.empty()) {
        words.insert(words.end(), {"CONTEXT", context});
    }
    return words;
}

}  // namespace

LockValidity::LockValidity(const std::string& key, const std::string& context)
    : question_(question(key, context)) {}

const std::vector<std::string>& LockValidity::ask() {
    asked_ = since_boot();
    return question_;
}

bool LockValidity::answered(const Reply& reply) {
    if (reply.kind() == Reply::Kind::nothing) {
        until_.reset();
    } else if (reply.kind() == Reply::Kind::integer) {
        until_ = asked_ + std::chrono::milliseconds(reply.integer());
        return reply.integer() > 0;
    }
    return true;
}

std::optional<std::chrono::nanoseconds> LockValidity::left() const {
    if (!until_) {
        return std::nullopt;
    }
    return std::max(*until_ - since_boot(), std::chrono::nanoseconds::zero());
}

}  // namespace weir::app
