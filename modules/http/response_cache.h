#pragma once

#include <chrono>
#include <cstddef>
#include <list>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/clock.h"
#include "core/base/list.h"
#include "modules/http/request.h"
#include "modules/http/response.h"

namespace weir::http {

struct CacheOptions {
    // How long a response is kept that does not say that itself.
    Duration time = std::chrono::seconds(10);
    std::size_t max_size = 16 * 1024 * 1024;  // of all responses
    // Headers of requests that keep responses apart: each value has its own.
    std::vector<std::string> headers = {};
};

// Keeps responses to GET of a server behind, for clients of all kinds (RFC 9111, as a shared
// cache): by their target, by the origin for which the client has asked, which the server behind
// learns and may answer by, and by the headers that the options name. What the server calls
// private, or makes for one user, is never kept. In memory, which is bounded: what was used least
// recently makes room.
class ResponseCache {
public:
    // What a response is kept by. Neither target nor origin contains a space.
    struct Key {
        std::string target;
        std::string origin;
        std::string headers = {};  // the values of those that keep responses apart
    };

    // A response that is under way from the server behind, and may be kept when it is complete:
    // unless its target was forgotten since, for then it may be older than the change. The cache
    // must outlive it.
    class Filling : public Link<Filling> {
    public:
        Filling(ResponseCache& cache, Key key, Time asked);
        Filling(const Filling&) = delete;
        Filling& operator=(const Filling&) = delete;

        // `time`: from when it was asked for, less the age that it says it has.
        void keep(Response response, Duration time);

    private:
        friend class ResponseCache;

        ResponseCache& cache_;
        const Key key_;
        const Time asked_;
        bool is_outdated_ = false;
    };

    explicit ResponseCache(CacheOptions options) noexcept : options_(std::move(options)) {}
    ResponseCache(const ResponseCache&) = delete;
    ResponseCache& operator=(const ResponseCache&) = delete;

    // Returns how long a response may be kept, less its age; nothing: not at all. `is_personal`:
    // the request said who its client is. `now`: when a response without a date was made.
    std::optional<Duration> time_to_keep(int status, const Headers& headers, bool is_personal,
                                         WallTime now) const;
    // Returns the values of the headers of a request that keep responses apart.
    std::string headers_of(const Request& request) const;
    // Returns whether responses are kept apart by this header.
    bool tells_apart(std::string_view header) const noexcept;
    // A longer body is not kept.
    std::size_t max_body() const noexcept { return options_.max_size / 8; }

    // Returns the response, with its age and whence it comes; nothing if none is kept, or if the
    // request is personal and the server behind has not called the response public.
    std::optional<Response> find(const Key& key, Time now, bool is_personal = false);
    // Forgets the responses of a target, for whichever origin; also those that are under way.
    void forget(const std::string& target) noexcept;

    std::size_t size() const noexcept { return size_; }

private:
    struct Entry {
        std::string name;  // in by_name_
        Response response;
        Time since;
        Time until;
        std::size_t size;
    };
    using Entries = std::list<Entry>;

    void keep(const Key& key, Response response, Time asked, Duration time);
    void remove(Entries::iterator entry) noexcept;
    bool tells_all_apart(std::string_view vary) const noexcept;
    bool is_for_all(const Headers& headers) const noexcept;

    const CacheOptions options_;
    Entries entries_;  // the one that was used last is the first
    std::map<std::string_view, Entries::iterator> by_name_;  // those of one target side by side
    List<Filling> filling_;
    std::size_t size_ = 0;
};

}  // namespace weir::http
