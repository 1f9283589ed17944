#pragma once

#include <chrono>
#include <cstddef>
#include <list>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "core/base/clock.h"
#include "modules/http/response.h"

namespace weir::http {

struct CacheOptions {
    // How long a response is kept that does not say that itself.
    Duration time = std::chrono::seconds(10);
    std::size_t max_size = 16 * 1024 * 1024;  // of all responses
};

// Keeps responses to GET of a server behind, by their target, for clients of all kinds (RFC 9111,
// as a shared cache). What the server calls private, or makes for one user, is never kept. In
// memory, which is bounded: what was used least recently makes room.
class ResponseCache {
public:
    explicit ResponseCache(CacheOptions options) noexcept : options_(options) {}
    ResponseCache(const ResponseCache&) = delete;
    ResponseCache& operator=(const ResponseCache&) = delete;

    // Returns how long a response may be kept; nothing: not at all. `is_personal`: the request said
    // who its client is.
    std::optional<Duration> time_to_keep(int status, const Headers& headers,
                                         bool is_personal) const;
    // A longer body is not kept.
    std::size_t max_body() const noexcept { return options_.max_size / 8; }

    void keep(const std::string& target, Response response, Time now, Duration time);
    // Returns the response, with its age and whence it comes; nothing if none is kept.
    std::optional<Response> find(const std::string& target, Time now);
    void forget(const std::string& target) noexcept;

    std::size_t size() const noexcept { return size_; }

private:
    struct Entry {
        std::string target;
        Response response;
        Time since;
        Time until;
        std::size_t size;
    };
    using Entries = std::list<Entry>;

    void remove(Entries::iterator entry) noexcept;

    const CacheOptions options_;
    Entries entries_;  // the one that was used last is the first
    std::unordered_map<std::string_view, Entries::iterator> by_target_;
    std::size_t size_ = 0;
};

}  // namespace weir::http
