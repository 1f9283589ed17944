#include "apps/weir/resp_client.h"

#include <charconv>
#include <csignal>
#include <ctime>

#include <hiredis/hiredis.h>

namespace weir::app {

Reply::Reply(redisReply* reply) noexcept : reply_(reply) {}

void Reply::Free::operator()(redisReply* reply) const noexcept {
    freeReplyObject(reply);
}

Reply::Kind Reply::kind() const noexcept {
    switch (reply_->type) {
        case REDIS_REPLY_STRING:
        case REDIS_REPLY_STATUS:
            return Kind::text;
        case REDIS_REPLY_INTEGER:
            return Kind::integer;
        case REDIS_REPLY_ARRAY:
            return Kind::list;
        case REDIS_REPLY_ERROR:
            return Kind::error;
        default:
            return Kind::nothing;
    }
}

std::string_view Reply::text() const noexcept {
    return {reply_->str, reply_->len};
}

long long Reply::integer() const noexcept {
    return reply_->integer;
}

void RespClient::Free::operator()(redisContext* context) const noexcept {
    redisFree(context);
}

namespace {

constexpr std::chrono::milliseconds connect_timeout{10'000};

timeval timeval_of(std::chrono::milliseconds time) {
    return {.tv_sec = time.count() / 1000, .tv_usec = time.count() % 1000 * 1000};
}

redisContext* connect(std::string address, timeval timeout) {
    if (address.starts_with("unix:")) {
        return redisConnectUnixWithTimeout(address.c_str() + 5, timeout);
    }
    if (address.starts_with("tcp://")) {
        address.erase(0, 6);
    }
    const std::size_t colon = address.rfind(':');
    int port = 0;
    const char* const end = address.data() + address.size();
    if (colon == std::string::npos || colon == 0 ||
        std::from_chars(address.data() + colon + 1, end, port).ptr != end || port <= 0 ||
        port > 65535) {
        throw std::invalid_argument("'" + address +
                                    "' is no address: expected host:port or unix:/path");
    }
    std::string host = address.substr(0, colon);
    if (host.starts_with('[') && host.ends_with(']')) {
        host = host.substr(1, host.size() - 2);
    }
    return redisConnectWithTimeout(host.c_str(), port, timeout);
}

}  // namespace

RespClient::RespClient(const std::string& address,
                       std::optional<std::chrono::milliseconds> patience)
    : address_(address),
      context_(connect(address, timeval_of(patience.value_or(connect_timeout)))) {
    if (context_ == nullptr) {
        throw std::bad_alloc();
    }
    if (context_->err != 0) {
        throw ConnectionError("cannot connect to " + address + ": " + context_->errstr);
    }
    if (patience) {
        redisSetTimeout(context_.get(), timeval_of(*patience));
    }
    if (!address.starts_with("unix:")) {
        redisEnableKeepAlive(context_.get());
    }
}

namespace {

// Keeps the signal back that this thread would get for writing to a connection that is closed: the
// program shall say what is wrong, and not be ended by it.
class NoBrokenPipe {
public:
    NoBrokenPipe() {
        sigemptyset(&signal_);
        sigaddset(&signal_, SIGPIPE);
        sigpending(&before_);
        pthread_sigmask(SIG_BLOCK, &signal_, &mask_);
    }
    NoBrokenPipe(const NoBrokenPipe&) = delete;
    NoBrokenPipe& operator=(const NoBrokenPipe&) = delete;
    ~NoBrokenPipe() {
        constexpr timespec at_once{};
        if (sigismember(&before_, SIGPIPE) == 0) {
            sigtimedwait(&signal_, nullptr, &at_once);
        }
        pthread_sigmask(SIG_SETMASK, &mask_, nullptr);
    }

private:
    sigset_t signal_{};
    sigset_t before_{};
    sigset_t mask_{};
};

}  // namespace

void RespClient::fail(const char* doing) const {
    throw ConnectionError(std::string(doing) + " " + address_ + ": " + context_->errstr);
}

int RespClient::socket() const noexcept {
    return context_->fd;
}

namespace {

void append(redisContext& context, const std::vector<std::string>& arguments) {
    std::vector<const char*> pointers;
    std::vector<std::size_t> sizes;
    for (const std::string& argument : arguments) {
        pointers.push_back(argument.data());
        sizes.push_back(argument.size());
    }
    redisAppendCommandArgv(&context, static_cast<int>(arguments.size()), pointers.data(),
                           sizes.data());
}

}  // namespace

Reply RespClient::command(const std::vector<std::string>& arguments) {
    const NoBrokenPipe no_signal;
    append(*context_, arguments);
    void* reply = nullptr;
    if (redisGetReply(context_.get(), &reply) != REDIS_OK) {
        fail("lost");
    }
    return Reply(static_cast<redisReply*>(reply));
}

void RespClient::send(const std::vector<std::string>& arguments) {
    const NoBrokenPipe no_signal;
    append(*context_, arguments);
    for (int done = 0; done == 0;) {
        if (redisBufferWrite(context_.get(), &done) != REDIS_OK) {
            fail("lost");
        }
    }
}

int RespClient::receive() {
    if (redisBufferRead(context_.get()) != REDIS_OK) {
        fail("lost");
    }
    int answers = 0;
    while (true) {
        void* reply = nullptr;
        if (redisGetReplyFromReader(context_.get(), &reply) != REDIS_OK) {
            fail("lost");
        }
        if (reply == nullptr) {
            return answers;
        }
        freeReplyObject(reply);
        ++answers;
    }
}

}  // namespace weir::app
