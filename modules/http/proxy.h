#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "core/base/clock.h"
#include "core/run/task.h"
#include "modules/http/exchange.h"
#include "modules/http/http_client.h"
#include "modules/http/response_cache.h"
#include "modules/http/url.h"

namespace weir::http {

// Held as long as a request is with the server behind.
class Admission {
public:
    Admission() = default;
    Admission(const Admission&) = delete;
    Admission& operator=(const Admission&) = delete;
    virtual ~Admission();
};

struct ProxyOptions {
    // How long the server behind may take from a whole request, or a piece of its body, to its
    // response, and pause within it.
    Duration timeout = std::chrono::seconds(30);
    std::size_t max_connections = 100;
    std::optional<CacheOptions> cache = {};
    // Lets paths pass that has_odd_parts() finds, too.
    bool any_path = false;
    // Returns when the request may go to the server behind; throws HttpError if it may not. Is
    // called when the first 64 KiB of the body are there. Null: all may.
    std::function<Task<std::unique_ptr<Admission>>(Exchange&)> admit = {};
    // Says that the server behind fails, and why; "": it answers again.
    std::function<void(const std::string& failure)> report = {};
    // Makes the connections instead, for tests.
    std::function<Task<ByteStream::Owner>(Url)> connector = {};
};

// Passes requests to another server, and its responses back, as they come: neither is in memory as
// a whole. The other server learns who asks by X-Forwarded-For, X-Forwarded-Proto,
// X-Forwarded-Host, X-Forwarded-User and X-Real-IP, which clients cannot set, nor any other
// X-Forwarded-*, not even as X_Forwarded_*, nor headers by which other servers claim an address, a
// target, a host or a method; the password of a user stays here. A server that cannot be reached is
// 502, one that is too slow 504. WebSockets do not pass.
class Proxy {
public:
    // `address`: http://host:port/path, or https. What the `*` of the route stands for is appended
    // to its path. Throws UrlError.
    Proxy(Scheduler& scheduler, const std::string& address, ProxyOptions options);
    Proxy(const Proxy&) = delete;
    Proxy& operator=(const Proxy&) = delete;

    // Returns what is wrong with an address; "" if nothing is.
    static std::string wrong_address(const std::string& address);

    Task<> handle(Exchange& exchange);

    std::uint64_t passed() const noexcept { return passed_; }
    std::uint64_t failed() const noexcept { return failed_; }
    std::uint64_t cached() const noexcept { return cached_; }

private:
    std::string target_of(const Exchange& exchange) const;
    bool may_be_cached(const Request& request) const;
    Task<bool> answer_from_cache(Exchange& exchange, const ResponseCache::Key& key);
    Task<ClientRequest> request_for(Exchange& exchange, std::string url, bool cacheable) const;
    Task<std::unique_ptr<ResponseReader>> open(Exchange& exchange, ClientRequest request);
    Task<> pass_back(Exchange& exchange, ResponseReader& response, bool watches,
                     ResponseCache::Filling* filling);
    void fails(const std::string& why);

    Scheduler& scheduler_;
    const Url base_;
    const ProxyOptions options_;
    HttpClient client_;
    std::optional<ResponseCache> cache_;
    bool is_failing_ = false;
    std::uint64_t passed_ = 0;
    std::uint64_t failed_ = 0;
    std::uint64_t cached_ = 0;
};

}  // namespace weir::http
