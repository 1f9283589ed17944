#include "modules/http/connection.h"

#include <exception>
#include <memory>
#include <new>
#include <optional>
#include <utility>

#include <uv.h>

#include "core/run/container.h"
#include "core/run/routine.h"
#include "modules/http/http_error.h"
#include "modules/http/request_span.h"
#include "modules/http/timed_write.h"

namespace weir::http {

namespace {

// Returns the error for a client that has not logged in and lacks a right: what it lacks, and who
// has it, is for those who have logged in.
HttpError for_client(HttpError error, const Exchange& exchange) {
    if (error.code() != ApiError::denied || exchange.challenge().empty() ||
        !exchange.caller()->user().empty()) {
        return error;
    }
    return HttpError(401, error.code(), "a client that has not logged in must not do that")
        .with("WWW-Authenticate", std::string(exchange.challenge()));
}

// Returns the exception that is being handled as the error for the client. Throws it anew if it is
// about the connection or the routine, and no answer can follow.
HttpError current_error(const Exchange& exchange) {
    try {
        throw;
    } catch (const HttpError& error) {
        return for_client(error, exchange);
    } catch (const ApiException& error) {
        return for_client(HttpError(error.error()), exchange);
    } catch (const StreamError&) {
        throw;
    } catch (const QuitException&) {
        throw;
    } catch (const std::bad_alloc&) {
        throw;
    } catch (const std::exception&) {
        // What it says is for the log: it may tell what clients should not know.
        const Request& request = exchange.request();
        exchange.scheduler().log(
            LogLevel::error, text_with_exception("the handler of " + std::string(request.method) +
                                                 " " + std::string(request.path) + " ended"));
        return {500, ApiError::failed, "the server failed to answer; its log says why"};
    }
}

}  // namespace

// A parser for one request.
class Connection::ParserInUse {
public:
    ParserInUse(Traffic& traffic, const HttpLimits& limits) : traffic_(traffic) {
        if (traffic_.parsers.empty()) {
            traffic_.parsers.reserve(most_kept);
            parser_ = std::make_unique<RequestParser>(limits);
        } else {
            parser_ = std::move(traffic_.parsers.back());
            traffic_.parsers.pop_back();
        }
    }
    ParserInUse(const ParserInUse&) = delete;
    ParserInUse& operator=(const ParserInUse&) = delete;
    ~ParserInUse() {
        if (traffic_.parsers.size() != most_kept && parser_->is_small()) {
            parser_->reset();
            traffic_.parsers.push_back(std::move(parser_));
        }
    }

    RequestParser& operator*() const noexcept { return *parser_; }

private:
    static constexpr std::size_t most_kept = 64;

    Traffic& traffic_;
    std::unique_ptr<RequestParser> parser_;
};

// Reads the head if it is here already, as most are; returns whether it was.
bool Connection::take_head(RequestParser& parser) {
    stream_.consume(0);
    const std::string_view bytes = stream_.input();
    // Some clients send a line end behind a body.
    const std::size_t size = bytes.starts_with('\r') ? 0 : parser.find_head(bytes);
    if (size == 0) {
        return false;
    }
    parser.parse_head(bytes.substr(0, size));
    stream_.consume(size);
    traffic_.received += size;
    return true;
}

// Returns the input as soon as it has so many bytes, or has ended.
Task<std::string_view> Connection::peek(std::size_t least, Time deadline) {
    if (!more_) {
        co_return co_await stream_.peek(least, deadline);
    }
    while (stream_.input().size() < least) {
        const bool has_come = co_await more_(stream_.input().size(), deadline);
        if (!has_come) {
            break;
        }
    }
    co_return stream_.input();
}

// Returns false if the client ends the connection before a request begins.
Task<bool> Connection::read_head(RequestParser& parser) {
    const Time deadline = stream_.scheduler().now() + limits_.head_time;
    std::string_view bytes = co_await peek(2, deadline);
    if (bytes.starts_with("\r\n")) {  // that some clients send behind a body
        stream_.consume(2);
        bytes = co_await peek(1, deadline);
    }
    for (;;) {
        if (const std::size_t size = parser.find_head(bytes)) {
            parser.parse_head(bytes.substr(0, size));
            stream_.consume(size);
            traffic_.received += size;
            co_return true;
        }
        const std::size_t there = bytes.size();
        bytes = co_await peek(there + 1, deadline);
        if (bytes.size() == there) {
            if (there == 0) {
                co_return false;
            }
            throw HttpError(400, "bad_request", "the request is incomplete");
        }
    }
}

Task<bool> Connection::serve_request(const std::function<bool()>& last) {
    const ParserInUse in_use(traffic_, limits_);
    RequestParser& parser = *in_use;
    std::optional<HttpError> wrong;
    bool came = false;
    try {
        came = take_head(parser);
        if (!came) {
            came = co_await read_head(parser);
        }
    } catch (const HttpError& error) {
        wrong = error;
    } catch (const StreamError& error) {
        if (error.code() != UV_ETIMEDOUT) {
            throw;
        }
        wrong.emplace(408, "timeout", "the head of the request has not come");
    }
    if (wrong) {
        Response response = wrong->response();
        co_await refuse(std::move(response));
        co_return false;
    }
    if (!came) {
        co_return false;
    }
    Exchange exchange(stream_, limits_, client_, parser, last, traffic_);
    std::unique_ptr<RequestSpan> span;
    if (RequestSpan::is_wanted(parser.request(), traffic_.spans.get())) {
        Routine& routine = co_await this_routine();
        span = std::make_unique<RequestSpan>(exchange, routine, traffic_.spans);
        exchange.set_span(span.get());
    }
    try {
        co_await handler_(exchange);
    } catch (...) {
        wrong = current_error(exchange);
    }
    if (wrong) {
        if (exchange.begun()) {
            // The client must not take what it has got for the whole: the connection ends within.
            throw StreamError("answering " + stream_.peer(), UV_ECONNABORTED);
        }
        Response response = wrong->response();
        co_await exchange.respond(std::move(response));
    }
    if (exchange.is_finished()) {
        co_return exchange.keeps_alive();
    }
    bool goes_on = false;
    try {
        goes_on = co_await exchange.finish();
    } catch (const HttpError&) {  // in a body that no handler wants
    }
    co_return goes_on;
}

Task<> Connection::refuse(Response response) {
    ResponseHead head(response.status, traffic_.date.now(stream_.scheduler()),
                      response.body.size());
    head.add(response.headers);
    std::string bytes = std::move(head).end(Framing::length, response.body.size(), false);
    bytes += response.body;
    traffic_.count_response(response.status);
    traffic_.sent += bytes.size();
    co_await timed_write(stream_, std::move(bytes), limits_.write_time);
}

}  // namespace weir::http
