// Feeds any bytes, in any pieces, to the parser of replies: it returns replies within its limits,
// or throws, and pieces make no difference.
//
// `./dev fuzz` builds and runs it. What it finds, build/fuzz/fuzz_redis_reply-crash-..., is tried
// again by build/fuzz/bin/fuzz_redis_reply FILE.
//
// The first byte of an input says how long the pieces are.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>

#include "modules/redis/reply_parser.h"

namespace {

using namespace weir::redis;

constexpr ReplyLimits limits{.max_size = 16 * 1024, .max_depth = 8};

std::size_t size_of(const Reply& reply, std::size_t depth) {
    if (depth > limits.max_depth + 1) std::abort();
    std::size_t size = sizeof(Reply) + reply.text.size();
    for (const Reply& item : reply.items) {
        size += size_of(item, depth + 1);
    }
    return size;
}

// Returns the replies as text, up to the first error.
std::string replies_in(std::string_view bytes, std::size_t piece) {
    ReplyParser parser(limits);
    std::string found;
    try {
        while (!bytes.empty()) {
            std::string_view part = bytes.substr(0, piece);
            bytes.remove_prefix(part.size());
            while (!part.empty()) {
                if (const std::optional<Reply> reply = parser.read(part)) {
                    found += std::to_string(static_cast<int>(reply->type)) + ':' +
                             std::to_string(size_of(*reply, 0)) + ' ';
                    if (size_of(*reply, 0) > limits.max_size + sizeof(Reply)) std::abort();
                }
            }
        }
    } catch (const ReplyError&) {
        found += "error";
    }
    return found;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) {
        return 0;
    }
    const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
    if (replies_in(bytes, std::size_t{data[0]} + 1) != replies_in(bytes, bytes.size())) {
        std::abort();
    }
    return 0;
}
