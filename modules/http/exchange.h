#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "core/base/ref.h"
#include "core/run/watch.h"
#include "core/stream/byte_stream.h"
#include "modules/http/client.h"
#include "modules/http/limits.h"
#include "modules/http/request_parser.h"
#include "modules/http/response.h"
#include "modules/http/target.h"
#include "modules/http/traffic.h"

namespace weir::http {

class GzipEncoder;
class RequestSpan;

// One request and its response, as the routine that handles it sees them:
//
//     weir::Task<> greet(weir::http::Exchange& exchange) {
//         const std::string name = co_await exchange.read_all();
//         weir::http::Response response{.body = "Hello " + name + "\n"};
//         co_await exchange.respond(std::move(response));
//     }
//
// The body is read only when the handler asks for it, and writing waits while the client does not
// read: neither is ever in memory as a whole unless the handler wants that. A handler that throws
// HttpError or ApiException before it responds answers with that error; StreamError ends the
// connection. Lives while the handler runs.
class Exchange {
public:
    // `last`: whether the connection is to end after this request in any case. All must outlive the
    // exchange.
    Exchange(ByteStream& stream, const HttpLimits& limits, const Client& client,
             RequestParser& parser, const std::function<bool()>& last, Traffic& traffic) noexcept;
    Exchange(const Exchange&) = delete;
    Exchange& operator=(const Exchange&) = delete;
    ~Exchange();

    const Request& request() const noexcept { return parser_.request(); }
    const Client& client() const noexcept { return client_; }
    Scheduler& scheduler() const noexcept { return stream_.scheduler(); }
    // By whose rights the request is handled: the client's user, if it has logged in.
    const Ref<Caller>& caller() const noexcept { return caller_; }
    void set_caller(Ref<Caller> caller) noexcept { caller_ = std::move(caller); }

    // The parts of the path that the route's pattern leaves open, by their names.
    const Parameters& parameters() const noexcept { return parameters_; }
    // How many parts of the path come before what the `*` of the pattern stands for.
    std::size_t segments_before_rest() const noexcept { return before_rest_; }
    void set_parameters(Parameters parameters, std::size_t before_rest) noexcept {
        parameters_ = std::move(parameters);
        before_rest_ = before_rest;
    }

    // Null: the request is part of no trace.
    RequestSpan* span() const noexcept { return span_; }
    void set_span(RequestSpan* span) noexcept { span_ = span; }

    // --- the body of the request

    // Returns the next bytes of the body; empty: it has ended. They are valid until the next call.
    // Throws HttpError if it has more bytes than the limit (413), or pauses for too long (408).
    Task<std::string_view> read();
    // Returns the rest of the body.
    Task<std::string> read_all();
    // Returns the whole body if it is here already; nothing if it takes a read_all().
    std::optional<std::string> take_all();
    // Sets the limit of the body, in bytes, before it is read.
    void set_body_limit(std::uint64_t most) noexcept { body_limit_ = most; }

    // --- the response

    // Adds a header to the response, whatever handler makes it, unless the handler sets it itself.
    void add_header(std::string name, std::string value) {
        added_.set(std::move(name), std::move(value));
    }

    // The same with headers that all responses have: they must outlive the exchange.
    void set_common_headers(const HeaderLines& headers) noexcept { common_ = &headers; }

    // Sends a whole response.
    Task<> respond(Response response);
    // The same if it needs neither a wait nor compression: returns false, and does nothing,
    // otherwise. For the steady path, which it spares a coroutine.
    bool respond_now(int status, const HeaderLines& headers, std::string_view body);
    // Begins a response whose body is written in pieces, with this length if it is known. A text of
    // known length is compressed if the client takes that; one without is not, since its pieces
    // must arrive when they are written.
    Task<> begin(int status, Headers headers, std::optional<std::uint64_t> length = {});
    // Writes a piece of the body; waits while the client does not read. Requires begin().
    Task<> write(std::string bytes);
    bool begun() const noexcept { return begun_; }
    // Returns the status of the response; 0 if that has not begun.
    int status() const noexcept { return status_; }
    // Whether the response has no body, as that of HEAD: what is written is dropped.
    bool is_bodyless() const noexcept { return request().method == "HEAD" || bodyless_; }

    // co_await exchange.while_connected(task): awaits the task, and unwinds it with a StreamError
    // if the client ends the connection before, or sends more behind the request than a request may
    // have. For handlers that wait for something; views of the body end.
    template <class T>
    Task<T> while_connected(Task<T> task) {
        watch_for_end();
        std::function<void(const Ref<Event>&, std::size_t)> look =
            [this](const Ref<Event>&, std::size_t) { watch_for_end(); };
        WatchedTask<T> watched = with_callback(std::move(task), std::move(look),
                                               stream_.matcher(SocketEvent::Type::readable));
        co_return co_await watched;
    }

    // Throws StreamError if the client has ended the connection, or has sent more behind the
    // request than a request may have. Reads on.
    void check_connected();

    // --- ending HTTP on this connection

    // Agrees to speak another protocol (101). The stream is the handler's from then on, until it
    // returns, which ends the connection. Requires a request without a body.
    Task<> switch_protocols(Headers headers);
    ByteStream& stream() const noexcept { return stream_; }
    const HttpLimits& limits() const noexcept { return limits_; }
    Traffic& traffic() const noexcept { return traffic_; }
    // Whether the connection is to end in any case, because the server ends.
    bool is_last() const { return last_(); }

    // --- for the connection

    // Ends a response that the handler has begun. Returns whether the connection can take another
    // request. Throws StreamError if the handler wrote less than it said.
    Task<bool> finish();
    // Whether the response is written and the body read: then finish() has nothing to wait for.
    bool is_finished() const noexcept {
        return begun_ && framing_ != Framing::chunked && left_ == 0 && body_ended_ && after_ == 0;
    }
    bool keeps_alive() const noexcept { return keep_alive_; }
    // Keeps what the handler needs until the exchange ends.
    void keep(std::shared_ptr<const void> needed) noexcept { kept_ = std::move(needed); }
    // Returns how a client can log in, the value of WWW-Authenticate: one that has not logged in
    // receives it with 401 instead of an error `denied`. "": the server has no users.
    std::string_view challenge() const noexcept { return challenge_; }
    // The text must outlive the exchange.
    void set_challenge(std::string_view challenge) noexcept { challenge_ = challenge; }

private:
    Task<std::string_view> read_piece();
    Task<std::string_view> read_chunk();
    void count_body(std::uint64_t size);
    Task<> write_now(std::string bytes);
    std::string start_response(int status, Headers headers, std::optional<std::uint64_t> length,
                               std::size_t body = 0);
    void count_response(int status);
    void add_other_headers(ResponseHead& head, const Headers& headers);
    bool choose_encoding(int status, Headers& headers, std::uint64_t length);
    const std::string* find_header(const Headers& headers, std::string_view name) const noexcept;
    Task<> write_encoded(std::string head, std::string body);
    void watch_for_end();
    Time in(Duration time) const noexcept { return stream_.scheduler().now() + time; }
    Time body_time() const noexcept { return std::min(body_deadline_, in(limits_.body_time)); }

    ByteStream& stream_;
    const HttpLimits& limits_;
    const Client& client_;
    RequestParser& parser_;
    Ref<Caller> caller_;
    const std::function<bool()>& last_;
    Traffic& traffic_;
    const Time started_;
    bool keep_alive_;
    Parameters parameters_;
    std::size_t before_rest_ = 0;
    RequestSpan* span_ = nullptr;
    std::shared_ptr<const void> kept_;
    std::string_view challenge_;

    std::uint64_t body_limit_;
    std::uint64_t received_ = 0;  // of the body
    bool body_ended_ = false;
    Time body_deadline_ = no_deadline;  // begins when the body is read
    bool continued_ = false;            // the client knows that it may send the body
    std::size_t after_ = 0;             // bytes of framing behind what was read last

    Headers added_;
    const HeaderLines* common_ = &no_headers;
    static const HeaderLines no_headers;
    bool begun_ = false;
    int status_ = 0;
    bool bodyless_ = false;
    Framing framing_ = Framing::none;
    bool has_length_ = false;
    std::uint64_t left_ = 0;  // of the length that was announced
    std::unique_ptr<GzipEncoder> encoder_;
};

// Answers one request, and returns when the response is written.
using Handler = std::function<Task<>(Exchange&)>;

}  // namespace weir::http
