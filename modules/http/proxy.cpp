#include "modules/http/proxy.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <string_view>
#include <utility>

#include <uv.h>

#include "config/settings/duration.h"
#include "core/run/scheduler.h"
#include "core/simulation/wall_clock.h"
#include "core/wait/timeout.h"
#include "modules/http/http_error.h"
#include "modules/http/list_elements.h"
#include "modules/system/call/api_error.h"

namespace weir::http {

namespace {

// A body that is not longer is read before the request is admitted and sent: so it has a length.
constexpr std::uint64_t short_body = 64 * 1024;

// Headers of one connection, and not of what is passed on (RFC 9110, 7.6.1).
constexpr std::array<std::string_view, 10> of_connection{"Connection",
                                                         "Keep-Alive",
                                                         "Proxy-Authenticate",
                                                         "Proxy-Authorization",
                                                         "TE",
                                                         "Proxy-Connection",
                                                         "Trailer",
                                                         "Transfer-Encoding",
                                                         "Upgrade",
                                                         "Content-Length"};

// What the proxy says itself, or what is none of the other server's business.
constexpr std::array<std::string_view, 5> own{"Host", "Authorization", "Expect", "Forwarded",
                                              "X-Real-IP"};
// What servers believe although clients say it: an address that is not that of the client, another
// target, host or method than those by which the route was found, and `Proxy`, which CGI programs
// take for the variable HTTP_PROXY.
constexpr std::array<std::string_view, 19> claims{"Client-IP",
                                                  "True-Client-IP",
                                                  "X-Client-IP",
                                                  "X-Cluster-Client-IP",
                                                  "X-Original-For",
                                                  "X-Original-Forwarded-For",
                                                  "X-Remote-Addr",
                                                  "X-Remote-IP",
                                                  "CF-Connecting-IP",
                                                  "CF-Connecting-IPv6",
                                                  "Fastly-Client-IP",
                                                  "X-Original-Host",
                                                  "X-Host",
                                                  "X-Original-URL",
                                                  "X-Rewrite-URL",
                                                  "X-HTTP-Method-Override",
                                                  "X-HTTP-Method",
                                                  "X-Method-Override",
                                                  "Proxy"};
constexpr std::string_view own_prefix = "X-Forwarded-";

// Whether a program that gets headers as variables, as CGI and WSGI have them, takes both for the
// same: X_Forwarded_User is HTTP_X_FORWARDED_USER, too.
bool same_variable(std::string_view a, std::string_view b) noexcept {
    const auto folded = [](char character) {
        const char small = static_cast<char>(character | 0x20);
        return small >= 'a' && small <= 'z'           ? small
               : character >= '0' && character <= '9' ? character
                                                      : '_';
    };
    return std::ranges::equal(a, b, {}, folded, folded);
}

bool begins_with(std::string_view name, std::string_view begin) noexcept {
    return name.size() >= begin.size() && same_variable(name.substr(0, begin.size()), begin);
}

template <std::size_t N>
bool is_one_of(std::string_view name, const std::array<std::string_view, N>& names) {
    return std::ranges::any_of(
        names, [name](std::string_view other) { return same_variable(name, other); });
}

// Whether a program behind may take the header for one of the names, which is written otherwise.
bool is_twin(std::string_view name, const std::vector<std::string>& names) {
    return std::ranges::any_of(names, [name](std::string_view other) {
        return same_variable(name, other) && !same_name(name, other);
    });
}

// Whether the header Connection of a response names the header.
bool is_named(std::string_view name, const Headers& headers) {
    return std::ranges::any_of(headers, [name](const auto& header) {
        return same_name(header.first, "Connection") && has_element(header.second, name);
    });
}

Headers passed_back(const Headers& headers) {
    Headers made;
    for (const auto& [name, value] : headers) {
        if (!is_one_of(name, of_connection) && !same_name(name, "Date") &&
            !is_named(name, headers)) {
            made.add(name, value);
        }
    }
    return made;
}

std::optional<std::uint64_t> length_of(const Headers& headers) {
    const std::string* const text = headers.find("Content-Length");
    std::uint64_t length = 0;
    if (text == nullptr) {
        return {};
    }
    const char* const end = text->data() + text->size();
    const auto [stop, error] = std::from_chars(text->data(), end, length);
    return error == std::errc() && stop == end ? std::optional(length) : std::nullopt;
}

// Returns the address of a client, "tcp://[::1]:50123", without the rest; "" if it has none.
std::string_view host_of(std::string_view address) {
    const std::size_t scheme = address.find("://");
    if (scheme == std::string_view::npos) {
        return "";  // a Unix socket
    }
    address.remove_prefix(scheme + 3);
    if (address.starts_with('[')) {
        return address.substr(1, std::min(address.find(']'), address.size()) - 1);
    }
    return address.substr(0, address.rfind(':'));
}

std::string user_of(const Exchange& exchange) {
    return exchange.caller() != nullptr ? exchange.caller()->user() : "";
}

// Whether the request says who its client is, by which the server behind may answer.
bool is_personal(const Exchange& exchange) {
    return !user_of(exchange).empty() || exchange.request().header("Cookie");
}

// For which address the client has asked, as the server behind learns it.
std::string origin_of(const Exchange& exchange) {
    return (exchange.client().tls ? "https://" : "http://") + std::string(exchange.request().host);
}

// Forgets what is kept of a target when a request has changed it: when that is answered and its
// client does not know it yet, or when it is unknown whether it was.
class Change {
public:
    Change(ResponseCache& cache, const std::string& target) noexcept
        : cache_(cache), target_(target) {}
    Change(const Change&) = delete;
    Change& operator=(const Change&) = delete;
    ~Change() { cache_.forget(target_); }

private:
    ResponseCache& cache_;
    const std::string& target_;
};

// A client that goes must not look like a server that does.
Task<std::string> next_piece(Exchange& exchange) {
    try {
        co_return std::string(co_await exchange.read());
    } catch (const StreamError& error) {
        throw HttpError(400, "bad_request", error.what());
    }
}

// Reads the body, if it is short, and else so much of it that it is none.
Task<std::string> read_begin(Exchange& exchange) {
    std::string begin;
    while (begin.size() <= short_body) {
        const std::string piece = co_await next_piece(exchange);
        if (piece.empty()) {
            break;
        }
        begin += piece;
    }
    co_return begin;
}

Task<std::string> just(std::string piece) {
    co_return piece;
}

}  // namespace

Admission::~Admission() = default;

Proxy::Proxy(Scheduler& scheduler, const std::string& address, ProxyOptions options)
    : scheduler_(scheduler),
      base_(Url::parse(address)),
      options_(std::move(options)),
      client_(scheduler, [this] {
          HttpClientOptions made;
          made.connect.timeout = options_.timeout;
          made.connector = options_.connector;
          made.max_connections = options_.max_connections;
          made.read_time = options_.timeout;
          made.max_redirects = 0;
          made.max_retries = 0;
          made.accepts_gzip = false;
          return made;
      }()) {
    if (options_.cache) {
        cache_.emplace(*options_.cache);
    }
}

std::string Proxy::wrong_address(const std::string& address) {
    try {
        const Url url = Url::parse(address);
        return url.target.find('?') != std::string::npos ? "has a query" : "";
    } catch (const UrlError& error) {
        return error.what();
    }
}

// Returns the target at the other server, as the client has written its part of it.
std::string Proxy::target_of(const Exchange& exchange) const {
    const Request& request = exchange.request();
    std::string target = base_.target;
    std::string_view rest = request.path;
    for (std::size_t i = 0; i != exchange.segments_before_rest() && !rest.empty(); ++i) {
        rest.remove_prefix(std::min(rest.find('/', 1), rest.size()));
    }
    if (!rest.empty()) {
        target += target.ends_with('/') ? rest.substr(1) : rest;
    }
    if (!request.query.empty()) {
        target.append("?").append(request.query);
    }
    return target;
}

bool Proxy::may_be_cached(const Request& request) const {
    return cache_ && request.method == "GET" && !request.header("Range") && !request.has_body();
}

Task<> Proxy::handle(Exchange& exchange) {
    const Request& request = exchange.request();
    if (has_dot_segments(request.path) || hides_parts(request.path)) {
        throw HttpError(400, "bad_request", "the path has parts that lead elsewhere");
    }
    if (!options_.any_path && has_odd_parts(request.path)) {
        throw HttpError(400, "bad_request",
                        "the path has an empty part, or one with ';', a control character or a "
                        "space at its end, which servers read in different ways");
    }
    if (request.asks_for_web_socket()) {
        throw HttpError(501, "no_web_socket", "WebSockets do not pass to the server behind");
    }
    const ResponseCache::Key key{target_of(exchange), origin_of(exchange),
                                 cache_ ? cache_->headers_of(request) : ""};
    const bool cacheable = may_be_cached(request);
    if (cacheable && co_await answer_from_cache(exchange, key)) {
        co_return;
    }
    std::string url = base_.origin() + key.target;
    ClientRequest asked = co_await request_for(exchange, std::move(url), cacheable);
    const bool streams = static_cast<bool>(asked.pieces);
    std::unique_ptr<Admission> admission;
    if (options_.admit) {
        admission = co_await options_.admit(exchange);
        // A request before may have brought the response while this one waited.
        if (cacheable && co_await answer_from_cache(exchange, key)) {
            co_return;
        }
    }
    std::optional<ResponseCache::Filling> filling;
    if (cacheable) {
        filling.emplace(*cache_, key, scheduler_.now());
    }
    std::optional<Change> change;
    if (cache_ && !request.is_safe()) {
        change.emplace(*cache_, key.target);
    }
    const std::unique_ptr<ResponseReader> response = co_await open(exchange, std::move(asked));
    change.reset();
    ++passed_;
    co_await pass_back(exchange, *response, !streams, filling ? &*filling : nullptr);
}

Task<bool> Proxy::answer_from_cache(Exchange& exchange, const ResponseCache::Key& key) {
    std::optional<Response> known = cache_->find(key, scheduler_.now(), is_personal(exchange));
    if (!known) {
        co_return false;
    }
    ++cached_;
    co_await exchange.respond(*std::move(known));
    co_return true;
}

Task<ClientRequest> Proxy::request_for(Exchange& exchange, std::string url, bool cacheable) const {
    const Request& request = exchange.request();
    ClientRequest made(std::string(request.method), std::move(url));
    for (const Header& header : request.headers()) {
        // What is kept is the same for all clients that it is kept for: neither encoded, unless
        // that tells them apart, nor on a condition.
        const bool is_choice = cacheable && ((same_variable(header.name, "Accept-Encoding") &&
                                              !cache_->tells_apart("Accept-Encoding")) ||
                                             begins_with(header.name, "If-"));
        const bool is_own = is_one_of(header.name, own) || is_one_of(header.name, claims) ||
                            begins_with(header.name, own_prefix) ||
                            is_one_of(header.name, of_connection) ||
                            request.lists("Connection", header.name);
        // The answer to it would be kept for clients that have not sent it.
        const bool is_hidden_choice =
            options_.cache && is_twin(header.name, options_.cache->headers);
        if (!is_own && !is_choice && !is_hidden_choice) {
            made.headers.add(std::string(header.name), std::string(header.value));
        }
    }
    if (const std::string_view from = host_of(exchange.client().address); !from.empty()) {
        made.headers.set("X-Forwarded-For", std::string(from));
        made.headers.set("X-Real-IP", std::string(from));
    }
    made.headers.set("X-Forwarded-Proto", exchange.client().tls ? "https" : "http");
    if (!request.host.empty()) {
        made.headers.set("X-Forwarded-Host", std::string(request.host));
    }
    if (std::string user = user_of(exchange); !user.empty()) {
        made.headers.set("X-Forwarded-User", std::move(user));
    }
    made.timeout = Duration();  // each pause has its time
    const bool streams = request.chunked || request.length > short_body;
    if (streams && !options_.admit) {
        made.pieces = [&exchange] { return next_piece(exchange); };
    } else if (request.has_body()) {
        // A client that is slow to send keeps no other one from being admitted meanwhile.
        std::string begin = co_await read_begin(exchange);
        if (begin.size() > short_body) {
            made.pieces = [&exchange, begin = std::move(begin)]() mutable {
                return begin.empty() ? next_piece(exchange) : just(std::exchange(begin, {}));
            };
        } else {
            made.body = std::move(begin);
        }
    }
    co_return made;
}

Task<std::unique_ptr<ResponseReader>> Proxy::open(Exchange& exchange, ClientRequest request) {
    std::optional<Duration> timeout;
    std::string failure;
    bool is_late = false;
    try {
        const bool streams = static_cast<bool>(request.pieces);
        Task<std::unique_ptr<ResponseReader>> opening = client_.open(std::move(request));
        // A body that streams is read, which tells when the client goes; and how long that takes is
        // the client's affair: `client_` knows when the server behind is waited for.
        if (!streams) {
            opening = exchange.while_connected(std::move(opening));
            timeout = options_.timeout;
        }
        auto response = co_await execute_with_timeout(timeout, std::move(opening));
        if (response) {
            if (std::exchange(is_failing_, false) && options_.report) {
                options_.report("");
            }
            co_return *std::move(response);
        }
        is_late = true;
        failure =
            "no response within " +
            config::duration_text(std::chrono::ceil<std::chrono::milliseconds>(options_.timeout));
    } catch (const ClientError& error) {
        failure = error.what();
        is_late = error.is_timeout();
    }
    fails(failure);
    // The client does not learn where the other server is.
    if (is_late) {
        throw HttpError(504, ApiError::timeout, "the server behind has not answered in time");
    }
    throw HttpError(502, "bad_gateway", "the server behind cannot be reached");
}

void Proxy::fails(const std::string& why) {
    ++failed_;
    if (!std::exchange(is_failing_, true) && options_.report) {
        options_.report(why);
    }
}

Task<> Proxy::pass_back(Exchange& exchange, ResponseReader& response, bool watches,
                        ResponseCache::Filling* filling) {
    Response copy{.status = response.status(), .headers = passed_back(response.headers())};
    std::optional<Duration> keep;
    if (filling != nullptr) {
        // By all headers: some may be of the connection, and not be passed back.
        keep = cache_->time_to_keep(copy.status, response.headers(), is_personal(exchange),
                                    wall_time(scheduler_.poller()));
    }
    const bool is_bodyless = copy.status == 204 || copy.status == 304;
    std::optional<std::uint64_t> length;
    if (!is_bodyless) {
        length = length_of(response.headers());
    }
    co_await exchange.begin(copy.status, copy.headers, length);
    try {
        for (;;) {
            Task<std::string_view> reading = response.read();
            if (watches) {
                reading = exchange.while_connected(std::move(reading));
            }
            const std::string_view piece = co_await reading;
            if (piece.empty()) {
                break;
            }
            if (keep && copy.body.size() + piece.size() <= cache_->max_body()) {
                copy.body += piece;
            } else {
                keep.reset();
            }
            co_await exchange.write(std::string(piece));
        }
    } catch (const ClientError& error) {
        fails(error.what());
        // Too late for a status: the end of the connection says that the response is incomplete.
        throw StreamError("passing on a response", UV_EIO, error.what());
    }
    if (keep) {
        filling->keep(std::move(copy), *keep);
    }
}

}  // namespace weir::http
