#include "core/net/descriptor_limit.h"

#include <algorithm>
#include <limits>

#include <sys/resource.h>

namespace weir {
namespace {

std::size_t number(rlim_t limit) noexcept {
    return limit == RLIM_INFINITY ? std::numeric_limits<std::size_t>::max()
                                  : static_cast<std::size_t>(limit);
}

}  // namespace

std::size_t raise_descriptor_limit(std::size_t wanted) noexcept {
    rlimit limit{};
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || number(limit.rlim_cur) >= wanted) {
        return descriptor_limit();
    }
    limit.rlim_cur = number(limit.rlim_max) > wanted ? static_cast<rlim_t>(wanted) : limit.rlim_max;
    static_cast<void>(setrlimit(RLIMIT_NOFILE, &limit));  // what holds is returned
    return descriptor_limit();
}

std::size_t descriptor_limit() noexcept {
    rlimit limit{};
    return getrlimit(RLIMIT_NOFILE, &limit) == 0 ? number(limit.rlim_cur) : 0;
}

}  // namespace weir
