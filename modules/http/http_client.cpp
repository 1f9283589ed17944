#include "modules/http/http_client.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <exception>
#include <optional>

#include <uv.h>

#include "core/run/scheduler.h"
#include "core/tls/tls_context.h"
#include "core/wait/timeout.h"
#include "modules/http/client_pool.h"
#include "modules/http/gzip.h"
#include "modules/http/request_span.h"
#include "modules/http/response_parser.h"
#include "modules/http/retry_after.h"

namespace weir::http {

namespace {

// A response whose body the caller does not want is read to its end, so that its connection can be
// used again, if it is not longer than this.
constexpr std::size_t most_skipped = 64 * 1024;

bool is_idempotent(std::string_view method) noexcept {
    constexpr std::string_view known[] = {"GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"};
    return std::ranges::find(known, method) != std::end(known);
}

bool is_redirect(int status) noexcept {
    return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

bool asks_to_retry(int status) noexcept {
    return status == 429 || status == 502 || status == 503 || status == 504;
}

void check(const ClientRequest& request) {
    if (!is_token(request.method) || request.method == "CONNECT") {
        throw std::invalid_argument("a request has no valid method");
    }
    for (const char* name : {"Content-Length", "Transfer-Encoding", "Connection", "Host"}) {
        if (request.headers.find(name) != nullptr) {
            throw std::invalid_argument(std::string("a request has the header ") + name +
                                        ", which the client sets itself");
        }
    }
}

// The trace is in the request, unless that has one already.
void add_trace(const ClientRequest& request, const TraceContext* trace, std::string& text) {
    if (trace != nullptr && request.headers.find("traceparent") == nullptr) {
        text += "traceparent: " + trace->header() + "\r\n";
        if (!trace->state.empty()) {
            text += "tracestate: " + trace->state + "\r\n";
        }
    }
}

std::string request_head(const ClientRequest& request, const Url& url, bool accepts_gzip,
                         const TraceContext* trace) {
    std::string text = request.method + " " + url.target + " HTTP/1.1\r\n";
    const auto add = [&text](std::string_view name, std::string_view value) {
        text.append(name).append(": ").append(value).append("\r\n");
    };
    add("Host", url.authority());
    for (const auto& [name, value] : request.headers) {
        add(name, value);
    }
    if (request.headers.find("User-Agent") == nullptr) {
        add("User-Agent", "weir/" WEIR_VERSION);
    }
    if (accepts_gzip) {
        add("Accept-Encoding", "gzip");
    }
    add_trace(request, trace, text);
    if (request.pieces) {
        add("Transfer-Encoding", "chunked");
    } else if (!request.body.empty() || request.method == "POST" || request.method == "PUT" ||
               request.method == "PATCH") {
        add("Content-Length", std::to_string(request.body.size()));
    }
    return text += "\r\n";
}

std::string chunk(std::string bytes) {
    std::array<char, 24> size{};
    const int digits = std::snprintf(size.data(), size.size(), "%zx\r\n", bytes.size());
    bytes.insert(0, size.data(), static_cast<std::size_t>(digits));
    return bytes += "\r\n";
}

}  // namespace

ClientError::~ClientError() = default;

// One request on its way, over all its repetitions.
struct HttpClient::Attempt {
    ClientRequest request;
    Url url;
    Time deadline;
    bool accepts_gzip = false;
    bool needs_new = false;  // connection
    bool was_stale = false;  // a connection that was kept open had ended
    ClientStage stage = ClientStage::connect;
    int redirects = 0;
    int retries = 0;
    const TraceContext* trace = nullptr;  // of this time

    bool is_repeatable() const noexcept { return !request.pieces && is_idempotent(request.method); }
    std::string text() const { return request.method + " " + url.text() + ": "; }
};

struct ResponseReader::State {
    State(HttpClient& of_client, const std::string& of_text, std::string of_url, Time of_deadline,
          bool is_head)
        : client(of_client),
          text(of_text),
          url(std::move(of_url)),
          deadline(of_deadline),
          parser(std::make_unique<ResponseParser>(of_client.options_.max_head, is_head)),
          sending(of_client.scheduler_) {}

    // Returns until when the server may take for what it is waited for since `begun`.
    Time in_time(Time begun) const noexcept {
        const Time from = makes_piece ? client.scheduler_.now() : std::max(begun, piece_made);
        return std::min(deadline, from + client.options_.read_time);
    }
    Task<std::string_view> peek(std::size_t least);
    Task<> read_head(bool is_head);
    Task<std::string_view> read_raw();
    Task<std::string_view> read_decoded();
    Task<> send_pieces(std::function<Task<std::string>()> pieces);
    void finish();
    [[noreturn]] void fail(ClientStage stage);

    HttpClient& client;
    const std::string text;  // of the request, for messages
    const std::string url;
    const Time deadline;
    std::unique_ptr<ClientPool::Lease> lease;
    std::unique_ptr<ResponseParser> parser;
    std::size_t after = 0;  // bytes of framing behind what was read last
    std::unique_ptr<GzipDecoder> decoder;
    std::string_view encoded;  // of what was read last
    bool is_sent = true;
    bool makes_piece = false;  // of the body
    Time piece_made{};
    std::exception_ptr send_failure;
    Container sending;  // the last: its routine uses the rest
};

HttpClient::HttpClient(Scheduler& scheduler, HttpClientOptions options)
    : scheduler_(scheduler),
      options_(std::move(options)),
      pool_(std::make_unique<ClientPool>(
          scheduler, [this](Url url) { return connect(std::move(url)); }, options_.max_connections,
          options_.idle_time)) {}

HttpClient::~HttpClient() = default;

std::size_t HttpClient::connections() const noexcept {
    return pool_->connections();
}

std::size_t HttpClient::idle() const noexcept {
    return pool_->idle();
}

Task<ByteStream::Owner> HttpClient::connect(Url url) {
    if (options_.connector) {
        return options_.connector(std::move(url));
    }
    if (url.tls && options_.connect.tls == nullptr) {
        options_.connect.tls = TlsContext::client({.protocols = {"http/1.1"}});
    }
    Address address;
    address.host = url.host;
    address.port = url.port;
    address.tls = url.tls;
    return weir::connect(scheduler_, std::move(address), options_.connect);
}

// --- a request

// Throws the exception that is being handled as one that says which request has failed, and where.
void ResponseReader::State::fail(ClientStage stage) {
    try {
        throw;
    } catch (const StreamError& error) {
        const bool is_timeout = error.code() == UV_ETIMEDOUT;
        const bool is_over = is_timeout && client.scheduler_.now() >= deadline;
        throw ClientError(is_over ? ClientStage::time : stage, text + error.what(), is_timeout);
    } catch (const ResponseError& error) {
        throw ClientError(ClientStage::response, text + error.what());
    } catch (const GzipError& error) {
        throw ClientError(ClientStage::response, text + error.what());
    }
}

// Sends beside the routine that reads: a server may answer while it still receives.
Task<> ResponseReader::State::send_pieces(std::function<Task<std::string>()> pieces) {
    ByteStream& stream = *lease->stream;
    try {
        for (;;) {
            makes_piece = true;
            std::string piece = co_await pieces();
            makes_piece = false;
            piece_made = client.scheduler_.now();
            const bool is_last = piece.empty();
            std::string bytes = is_last ? "0\r\n\r\n" : chunk(std::move(piece));
            co_await stream.write(std::move(bytes), deadline);
            if (is_last) {
                break;
            }
        }
        is_sent = true;
    } catch (const StreamError&) {  // the server may have said why
    } catch (const std::exception&) {
        send_failure = std::current_exception();
        stream.cut_input();
    }
    makes_piece = false;
}

// Waits for input as long as the server may take. A server that still lacks a piece of the body
// owes nothing: its time begins anew with each piece, and goes on while it does not read one.
Task<std::string_view> ResponseReader::State::peek(std::size_t least) {
    Scheduler& scheduler = client.scheduler_;
    const Time begun = scheduler.now();
    for (;;) {
        const Time until = in_time(begun);
        try {
            co_return co_await lease->stream->peek(least, until);
        } catch (const StreamError& error) {
            const bool has_waited = error.code() == UV_ETIMEDOUT && scheduler.now() >= until;
            if (!has_waited || in_time(begun) <= scheduler.now()) {
                throw;
            }
        }
    }
}

// Reads the head of the response, behind those that only say that one will come (1xx).
Task<> ResponseReader::State::read_head(bool is_head) {
    ByteStream& stream = *lease->stream;
    for (;;) {
        std::string_view bytes = co_await peek(1);
        std::size_t size = 0;
        for (;;) {
            if (bytes.empty()) {
                throw StreamError("reading from " + stream.peer(), UV_EOF);
            }
            size = parser->find_head(bytes);
            if (size != 0) {
                break;
            }
            const std::size_t there = bytes.size();
            bytes = co_await peek(there + 1);
            if (bytes.size() == there) {
                throw ResponseError("the connection has ended within the head of the response");
            }
        }
        parser->parse_head(bytes.substr(0, size));
        stream.consume(size);
        if (parser->status() == 101) {
            throw ResponseError("the server switches to another protocol, unasked");
        }
        if (parser->status() >= 200) {
            co_return;
        }
        parser = std::make_unique<ResponseParser>(client.options_.max_head, is_head);
    }
}

void ResponseReader::State::finish() {
    if (lease != nullptr) {
        lease->is_reusable = parser->keeps_alive() && is_sent;
        sending.close();
        lease.reset();
    }
}

Task<std::string_view> ResponseReader::State::read_raw() {
    if (lease == nullptr) {
        co_return std::string_view();
    }
    ByteStream& stream = *lease->stream;
    stream.consume(std::exchange(after, 0));
    while (!parser->ended()) {
        const std::string_view input = co_await peek(1);
        if (input.empty()) {
            if (send_failure) {
                std::rethrow_exception(send_failure);
            }
            parser->end_of_input();
            break;
        }
        const ResponseParser::Piece piece = parser->parse_body(input);
        stream.consume(piece.skip);
        if (piece.size != 0) {
            after = piece.after;
            co_return co_await stream.read_some(piece.size);
        }
    }
    finish();
    co_return std::string_view();
}

Task<std::string_view> ResponseReader::State::read_decoded() {
    for (;;) {
        const GzipDecoder::Step step = decoder->decode(encoded);
        encoded.remove_prefix(step.taken);
        if (!step.output.empty()) {
            co_return step.output;
        }
        if (!encoded.empty()) {
            continue;
        }
        encoded = co_await read_raw();
        if (encoded.empty()) {
            if (!decoder->ended()) {
                throw GzipError("the compressed body is incomplete");
            }
            co_return std::string_view();
        }
    }
}

Task<> HttpClient::send_and_receive(Attempt& attempt, ResponseReader::State& state) {
    const ClientRequest& request = attempt.request;
    state.lease = co_await pool_->lease(attempt.url, attempt.deadline, attempt.needs_new);
    attempt.stage = ClientStage::receive;
    ByteStream& stream = *state.lease->stream;
    stream.queue_output(request_head(request, attempt.url, attempt.accepts_gzip, attempt.trace));
    if (request.pieces) {
        state.is_sent = false;
        state.sending.start(state.send_pieces(request.pieces), {.name = "body of a request"});
    } else if (!request.body.empty()) {
        stream.queue_output(request.body);
    }
    const bool is_head = request.method == "HEAD";
    try {
        co_await state.read_head(is_head);
    } catch (const StreamError& error) {
        if (state.send_failure) {
            std::rethrow_exception(state.send_failure);
        }
        // The server had closed it before it could see the request.
        attempt.was_stale = state.lease->is_reused && error.code() != UV_ETIMEDOUT;
        throw;
    }
    const std::string* const encoding = state.parser->headers().find("Content-Encoding");
    if (attempt.accepts_gzip && encoding != nullptr && same_name(*encoding, "gzip") && !is_head) {
        state.decoder = std::make_unique<GzipDecoder>();
        state.parser->headers().remove("Content-Encoding");
        state.parser->headers().remove("Content-Length");
    }
    if (state.parser->ended()) {
        state.finish();
    }
}

Task<std::unique_ptr<ResponseReader>> HttpClient::try_once(Attempt& attempt) {
    attempt.was_stale = false;
    attempt.stage = ClientStage::connect;
    auto state =
        std::make_unique<ResponseReader::State>(*this, attempt.text(), attempt.url.text(),
                                                attempt.deadline, attempt.request.method == "HEAD");
    Routine& routine = co_await this_routine();
    ClientSpan span(routine, attempt.request.method, attempt.url.host);
    attempt.trace = span.context();
    try {
        co_await send_and_receive(attempt, *state);
        span.set_status(state->parser->status());
    } catch (const TlsError&) {
        state->fail(ClientStage::tls);
    } catch (...) {
        state->fail(attempt.stage);
    }
    co_return std::unique_ptr<ResponseReader>(new ResponseReader(std::move(state)));
}

namespace {

// Reads what is left of a short body.
Task<> skip(ResponseReader& reader) {
    std::size_t skipped = 0;
    try {
        while (skipped < most_skipped) {
            const std::string_view bytes = co_await reader.read();
            if (bytes.empty()) {
                co_return;
            }
            skipped += bytes.size();
        }
    } catch (const ClientError&) {  // its connection is closed
    }
}

// Changes the request to what a redirect asks for. Returns whether it can be sent.
bool follow(ClientRequest& request, Url& url, const ResponseReader& response) {
    const std::string* const location = response.headers().find("Location");
    if (location == nullptr) {
        return false;
    }
    const int status = response.status();
    const bool becomes_get = status == 303 || (status < 303 && request.method == "POST");
    if (request.pieces && !becomes_get) {
        return false;
    }
    const Url next = url.resolve(*location);
    if (url.tls && !next.tls) {
        throw UrlError("a redirect leads from https to " + next.text());
    }
    if (becomes_get) {
        request.method = request.method == "HEAD" ? "HEAD" : "GET";
        request.body.clear();
        request.pieces = nullptr;
        request.headers.remove("Content-Type");
    }
    if (next.origin() != url.origin()) {
        for (const char* name : {"Authorization", "Cookie", "Proxy-Authorization"}) {
            request.headers.remove(name);
        }
    }
    url = next;
    return true;
}

}  // namespace

// Returns whether the request has to be sent to another address, and changes it so.
bool HttpClient::is_redirected(Attempt& attempt, const ResponseReader& response) const {
    if (!is_redirect(response.status()) || attempt.redirects == options_.max_redirects) {
        return false;
    }
    try {
        if (!follow(attempt.request, attempt.url, response)) {
            return false;
        }
    } catch (const UrlError& error) {
        throw ClientError(ClientStage::address, attempt.text() + error.what());
    }
    ++attempt.redirects;
    return true;
}

// Returns how long to wait before the request is sent again; nothing if it is not.
std::optional<Duration> HttpClient::pause_before_retry(const Attempt& attempt,
                                                       const ClientError* failure,
                                                       const ResponseReader* response) const {
    if (attempt.retries == options_.max_retries) {
        return {};
    }
    const bool may_retry =
        failure != nullptr
            ? failure->stage() == ClientStage::connect ||
                  (failure->stage() == ClientStage::receive && attempt.is_repeatable())
            : asks_to_retry(response->status()) && attempt.is_repeatable();
    if (!may_retry) {
        return {};
    }
    const Duration longest = options_.retry_time * (std::int64_t{1} << attempt.retries);
    const auto half = static_cast<std::uint64_t>(longest.count() / 2);
    Duration pause =
        longest - Duration(static_cast<std::int64_t>(scheduler_.poller().random() % (half + 1)));
    if (response != nullptr) {
        pause = retry_after(response->headers()).value_or(pause);
    }
    const std::optional<Duration> left = time_until(attempt.deadline, scheduler_.now());
    return left && *left <= pause ? std::nullopt : std::optional(pause);
}

Task<std::unique_ptr<ResponseReader>> HttpClient::open(ClientRequest request) {
    check(request);
    Attempt attempt{.request = std::move(request), .url = {}, .deadline = no_deadline};
    try {
        attempt.url = Url::parse(attempt.request.url);
    } catch (const UrlError& error) {
        throw ClientError(ClientStage::address, attempt.request.method + ": " + error.what());
    }
    if (attempt.request.timeout != Duration()) {
        attempt.deadline = scheduler_.now() + attempt.request.timeout;
    }
    attempt.accepts_gzip = options_.accepts_gzip &&
                           attempt.request.headers.find("Accept-Encoding") == nullptr &&
                           attempt.request.headers.find("Range") == nullptr;
    for (;;) {
        std::unique_ptr<ResponseReader> response;
        std::optional<ClientError> failure;
        try {
            response = co_await try_once(attempt);
        } catch (const ClientError& error) {
            failure = error;
        }
        const bool is_first_new = !std::exchange(attempt.needs_new, false);
        if (failure && attempt.was_stale && attempt.is_repeatable() && is_first_new) {
            attempt.needs_new = true;
            continue;
        }
        if (response && is_redirected(attempt, *response)) {
            co_await skip(*response);
            continue;
        }
        const std::optional<Duration> pause =
            pause_before_retry(attempt, failure ? &*failure : nullptr, response.get());
        if (!pause) {
            if (failure) {
                throw ClientError(*failure);
            }
            co_return response;
        }
        ++attempt.retries;
        if (response) {
            co_await skip(*response);
            response.reset();
        }
        co_await sleep(*pause);
    }
}

Task<ClientResponse> HttpClient::request(ClientRequest request) {
    const std::string method = request.method;
    const std::unique_ptr<ResponseReader> reader = co_await open(std::move(request));
    ClientResponse response;
    response.status = reader->status();
    response.headers = reader->headers();
    response.url = reader->url();
    for (;;) {
        const std::string_view piece = co_await reader->read();
        if (piece.empty()) {
            co_return response;
        }
        if (piece.size() > options_.max_body - response.body.size()) {
            throw ClientError(ClientStage::response,
                              method + " " + response.url + ": the body has more than " +
                                  std::to_string(options_.max_body) + " bytes");
        }
        response.body += piece;
    }
}

// --- a response

ResponseReader::ResponseReader(std::unique_ptr<State> state) noexcept : state_(std::move(state)) {}

ResponseReader::~ResponseReader() = default;

int ResponseReader::status() const noexcept {
    return state_->parser->status();
}

const Headers& ResponseReader::headers() const noexcept {
    return state_->parser->headers();
}

const std::string& ResponseReader::url() const noexcept {
    return state_->url;
}

Task<std::string_view> ResponseReader::read() {
    std::string_view bytes;
    try {
        if (state_->decoder) {
            bytes = co_await state_->read_decoded();
        } else {
            bytes = co_await state_->read_raw();
        }
    } catch (...) {
        state_->fail(ClientStage::receive);
    }
    co_return bytes;
}

// --- without a client

Task<ClientResponse> request(ClientRequest request, HttpClientOptions options) {
    HttpClient client((co_await this_routine()).scheduler(), std::move(options));
    co_return co_await client.request(std::move(request));
}

}  // namespace weir::http
