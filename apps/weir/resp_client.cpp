#include "apps/weir/resp_client.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <cerrno>
#include <cmath>
#include <new>
#include <utility>

#include <hiredis/hiredis.h>
#include <poll.h>

#include "apps/weir/output.h"
#include "config/text/quoted.h"

namespace weir::app {

// --- Reply

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
    assert(kind() == Kind::text || kind() == Kind::error);
    return {reply_->str, reply_->len};
}

std::vector<std::string_view> Reply::texts() const {
    assert(kind() == Kind::list);
    std::vector<std::string_view> texts;
    for (std::size_t i = 0; i != reply_->elements; ++i) {
        const redisReply& element = *reply_->element[i];
        texts.push_back(element.type == REDIS_REPLY_STRING || element.type == REDIS_REPLY_STATUS
                            ? std::string_view(element.str, element.len)
                            : std::string_view());
    }
    return texts;
}

long long Reply::integer() const noexcept {
    return reply_->integer;
}

std::string Reply::error() const {
    constexpr std::size_t longest = 2000;
    std::string shown = config::printable(text(), longest);
    if (text().starts_with("NOAUTH")) {
        shown += " (the password is taken from the environment variable WEIR_PASSWORD)";
    } else if (text().starts_with("WRONGPASS")) {
        shown += " (the environment variable WEIR_PASSWORD has another)";
    } else if (text().starts_with("NOPERM")) {
        shown += " (name a user by --user and WEIR_PASSWORD)";
    }
    return shown;
}

// --- RespClient

namespace {

using Clock = RespClient::Clock;

Clock::duration limit_of(double seconds) {
    assert(std::isfinite(seconds) && seconds > 0);
    return std::chrono::ceil<Clock::duration>(std::chrono::duration<double>(seconds));
}

std::string seconds_text(Clock::duration time) {
    std::array<char, 32> text{};
    std::snprintf(text.data(), text.size(), "%g s", std::chrono::duration<double>(time).count());
    return text.data();
}

}  // namespace

void RespClient::Free::operator()(redisReader* reader) const noexcept {
    redisReaderFree(reader);
}

RespClient::RespClient(const std::string& address, double limit_in_seconds, const TlsFiles& files)
    : address_(address),
      files_(files),
      limit_(limit_of(limit_in_seconds)),
      socket_(address, files, Clock::now() + limit_),
      reader_(redisReaderCreate()) {
    if (reader_ == nullptr) {
        throw std::bad_alloc();
    }
}

std::string RespClient::lost(const std::string& why) const {
    return "lost " + config::printable(address_, 200) + ": " + why;
}

void RespClient::fail(const std::string& why) const {
    throw ConnectionError(lost(why));
}

void RespClient::fail_late() const {
    fail("the server does not answer (within " + seconds_text(limit_) + ")");
}

void RespClient::send(const std::vector<std::string>& arguments) {
    std::vector<const char*> pointers;
    std::vector<std::size_t> sizes;
    for (const std::string& argument : arguments) {
        pointers.push_back(argument.data());
        sizes.push_back(argument.size());
    }
    char* formatted = nullptr;
    const int size = redisFormatCommandArgv(&formatted, static_cast<int>(arguments.size()),
                                            pointers.data(), sizes.data());
    if (size < 0) {
        throw std::bad_alloc();
    }
    socket_.send({formatted, static_cast<std::size_t>(size)});
    redisFreeCommand(formatted);
}

// Returns whether something had arrived.
bool RespClient::read() {
    std::array<char, 65536> bytes;
    std::optional<std::size_t> size;
    try {
        size = socket_.receive(bytes);
    } catch (const ConnectionClosed& error) {
        throw ConnectionClosed(lost(error.what()));
    } catch (const ConnectionError& error) {
        fail(error.what());
    }
    if (!size) {
        return false;
    }
    received_ += *size;
    if (redisReaderFeed(reader_.get(), bytes.data(), *size) != REDIS_OK) {
        fail(reader_->errstr);
    }
    return true;
}

std::optional<Reply> RespClient::next_reply() {
    void* reply = nullptr;
    if (redisReaderGetReply(reader_.get(), &reply) != REDIS_OK) {
        fail("it speaks no protocol of Redis: " + config::printable(reader_->errstr));
    }
    if (reply == nullptr) {
        return std::nullopt;
    }
    received_ = 0;
    return Reply(static_cast<redisReply*>(reply));
}

int RespClient::receive() {
    socket_.send({});
    int answers = 0;
    while (read()) {
        while (next_reply()) {
            ++answers;
        }
    }
    return answers;
}

// Nothing if it does not come in time.
std::optional<Reply> RespClient::reply_until(Clock::time_point end) {
    constexpr std::size_t bytes_a_second = 64 * 1024;
    for (;;) {
        socket_.send({});
        if (std::optional<Reply> reply = next_reply()) {
            return reply;
        }
        if (read()) {
            continue;  // an answer, perhaps, before the connection turns out to be closed
        }
        const std::chrono::milliseconds more(received_ * 1000 / bytes_a_second);
        const Clock::time_point asleep = Clock::now();
        const auto left = end + more - asleep;
        if (left <= Clock::duration::zero()) {
            return std::nullopt;
        }
        const auto time = std::min<Clock::duration>(left, std::chrono::hours(1));
        pollfd events{.fd = socket(), .events = POLLIN, .revents = 0};
        if (socket_.has_unsent()) {
            events.events |= POLLOUT;
        }
        const int milliseconds =
            static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(time).count());
        if (poll(&events, 1, milliseconds) < 0 && errno != EINTR) {
            fail(reason(errno));
        }
        // A process that wakes up later than it wanted was stopped meanwhile, or the machine was
        // busy: that is not the server's silence.
        if (const auto late = Clock::now() - asleep - time; late > Clock::duration::zero()) {
            end += late;
        }
    }
}

Reply RespClient::command(const std::vector<std::string>& arguments,
                          std::optional<Clock::time_point> end) {
    const Clock::time_point limit = Clock::now() + limit_;
    send(arguments);
    std::optional<Reply> reply = reply_until(end ? std::min(*end, limit) : limit);
    if (!reply) {
        fail_late();
    }
    return std::move(*reply);
}

Reply RespClient::long_command(const std::vector<std::string>& arguments,
                               std::optional<Clock::time_point> end) {
    send(arguments);
    return long_reply(end);
}

Reply RespClient::next_message() {
    return long_reply(std::nullopt);
}

Reply RespClient::long_reply(std::optional<Clock::time_point> end) {
    for (;;) {
        const Clock::time_point next = Clock::now() + limit_;
        const bool is_last = end && *end <= next;
        if (std::optional<Reply> reply = reply_until(is_last ? *end : next)) {
            return std::move(*reply);
        }
        if (is_last) {
            fail("the server does not answer");
        }
        require_server_answers();
    }
}

// Behind a command that waits, the server answers nothing else on this connection.
void RespClient::require_server_answers() {
    try {
        RespClient other(address_, std::chrono::duration<double>(limit_).count(), files_);
        static_cast<void>(other.command({"PING"}));  // an error is an answer, too
    } catch (const ConnectionClosed&) {
        // It takes no more connections, and is there to say so.
    } catch (const ConnectionError&) {
        // What has arrived meanwhile is worth more than the silence of another connection.
        if (!read()) {
            fail_late();
        }
    }
}

}  // namespace weir::app
