#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include "core/base/clock.h"
#include "core/net/connect.h"
#include "core/run/task.h"
#include "core/stream/byte_stream.h"
#include "modules/http/response.h"
#include "modules/http/url.h"

namespace weir::http {

// Where a request has failed.
enum class ClientStage {
    address,   // the text is no address, or a redirect leads to none
    connect,   // the name is unknown, or no server answers
    tls,       // the handshake, or the certificate
    receive,   // the connection has failed before the whole response has come
    response,  // what has come is no response, or too large
    time,      // the time of the request has passed
};

// Thrown when a request has no response: "GET https://shop.example/a: connecting to
// tcp://10.0.0.7:443: connection refused (ECONNREFUSED)". A response with any status is no failure.
class ClientError : public std::runtime_error {
public:
    ClientError(ClientStage stage, const std::string& what, bool is_timeout = false)
        : std::runtime_error(what), stage_(stage), is_timeout_(is_timeout) {}
    ~ClientError() override;

    ClientStage stage() const noexcept { return stage_; }
    // Whether the server was too slow, at whichever stage.
    bool is_timeout() const noexcept { return is_timeout_; }

private:
    ClientStage stage_;
    bool is_timeout_;
};

struct ClientRequest {
    ClientRequest(std::string of_method, std::string of_url, std::string of_body = {})
        : method(std::move(of_method)), url(std::move(of_url)), body(std::move(of_body)) {}

    std::string method;
    std::string url;
    // Content-Length, Transfer-Encoding, Connection and Host are the client's business.
    Headers headers = {};
    std::string body;
    // Makes the body in pieces instead, each when the server has taken those before; "" ends it.
    // Such a request is sent once only: it is not repeated, and not redirected with its body.
    std::function<Task<std::string>()> pieces = {};
    // Until the whole response has come, all repetitions and redirects included. 0: any time.
    Duration timeout = std::chrono::seconds(30);
};

struct ClientResponse {
    int status = 0;
    Headers headers = {};
    std::string body = {};
    std::string url = {};  // where it came from, behind all redirects

    bool is_success() const noexcept { return status >= 200 && status < 300; }
};

struct HttpClientOptions {
    // Whom to trust with https; see ConnectOptions. Null tls: the authorities of the system.
    ConnectOptions connect = {};
    // Makes the connections instead, for tests: one end of a memory_pair(), ...
    std::function<Task<ByteStream::Owner>(Url)> connector = {};
    // Connections to one origin at a time; further requests wait for one.
    std::size_t max_connections = 8;
    // A connection that no request has used for so long is closed.
    Duration idle_time = std::chrono::seconds(30);
    // The longest pause within a response, and before it. While `pieces` makes the next piece of a
    // body, the server is not waited for.
    Duration read_time = std::chrono::seconds(30);
    std::size_t max_head = 64 * 1024;
    // Of a whole response, decoded; HttpClient::open() has no limit.
    std::size_t max_body = 16 * 1024 * 1024;
    // Redirects that are followed; beyond, the response is the redirect. Headers with credentials
    // are not sent to another origin, and https leads nowhere but to https.
    int max_redirects = 5;
    // How often a request is sent again that failed or got 429, 502, 503 or 504: only if its method
    // is idempotent, or nothing was sent. The first time after about retry_time, then twice that,
    // and so on, each shortened at random by up to half; or when Retry-After says.
    int max_retries = 2;
    Duration retry_time = std::chrono::milliseconds(200);
    // Ask for gzip, and decode it.
    bool accepts_gzip = true;
};

class ClientPool;
class HttpClient;

// A response whose body is read in pieces. One that is destroyed before its end closes its
// connection. Must not outlive the client.
class ResponseReader {
public:
    ResponseReader(const ResponseReader&) = delete;
    ResponseReader& operator=(const ResponseReader&) = delete;
    ~ResponseReader();

    int status() const noexcept;
    const Headers& headers() const noexcept;
    const std::string& url() const noexcept;
    // Returns the next bytes of the body, decoded; empty: it has ended. They are valid until the
    // next call. The server is read no faster than this is called. Throws ClientError.
    Task<std::string_view> read();

private:
    friend class HttpClient;
    struct State;
    explicit ResponseReader(std::unique_ptr<State> state) noexcept;

    std::unique_ptr<State> state_;
};

// Sends requests to servers of HTTP/1.1, as a member of a module or with a scheduler. Keeps
// connections open and uses them again:
//
//     weir::Task<std::string> price(weir::http::HttpClient& client, std::string article) {
//         weir::http::ClientRequest request("GET", "https://shop.example/price/" + article);
//         const weir::http::ClientResponse response = co_await client.request(std::move(request));
//         co_return response.is_success() ? response.body : "unknown";
//     }
//
// On the scheduler's thread. No request may be under way when it is destroyed.
class HttpClient {
public:
    explicit HttpClient(Scheduler& scheduler, HttpClientOptions options = {});
    HttpClient(const HttpClient&) = delete;
    HttpClient& operator=(const HttpClient&) = delete;
    ~HttpClient();

    // Sends a request, and returns its whole response. Throws ClientError, and
    // std::invalid_argument for a method or headers that must not be sent.
    Task<ClientResponse> request(ClientRequest request);
    // Does the same, and returns when the head of the response has come.
    Task<std::unique_ptr<ResponseReader>> open(ClientRequest request);

    // Connections that are open, and those of them that no request uses.
    std::size_t connections() const noexcept;
    std::size_t idle() const noexcept;

private:
    friend class ResponseReader;
    struct Attempt;

    Task<std::unique_ptr<ResponseReader>> try_once(Attempt& attempt);
    bool is_redirected(Attempt& attempt, const ResponseReader& response) const;
    std::optional<Duration> pause_before_retry(const Attempt& attempt, const ClientError* failure,
                                               const ResponseReader* response) const;
    Task<> send_and_receive(Attempt& attempt, ResponseReader::State& state);
    Task<ByteStream::Owner> connect(Url url);

    Scheduler& scheduler_;
    HttpClientOptions options_;
    std::unique_ptr<ClientPool> pool_;
};

// Sends one request with a client of its own; a program that sends several keeps a client.
Task<ClientResponse> request(ClientRequest request, HttpClientOptions options = {});

}  // namespace weir::http
