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
#include "apps/weir/patience.h"
#include "config/text/quoted.h"

namespace weir::app {

namespace {

constexpr std::string_view lock_lost = "LOCKLOST ";
constexpr std::size_t longest_reason = 2000;  // characters that are shown

// The server says: LOCKLOST lock 'key' in context 'name' is lost: reason.
std::string_view reason_of_loss(std::string_view error) {
    constexpr std::string_view before = " is lost: ";
    const std::size_t found = error.rfind(before);
    return error.substr(found == std::string_view::npos ? lock_lost.size() : found + before.size());
}

}  // namespace

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

std::vector<std::vector<std::string>> Reply::rows() const {
    assert(kind() == Kind::list);
    std::vector<std::vector<std::string>> rows;
    for (std::size_t i = 0; i != reply_->elements; ++i) {
        const redisReply& list = *reply_->element[i];
        std::vector<std::string>& row = rows.emplace_back();
        for (std::size_t j = 0; list.type == REDIS_REPLY_ARRAY && j != list.elements; ++j) {
            const redisReply& element = *list.element[j];
            row.push_back(element.type == REDIS_REPLY_INTEGER ? std::to_string(element.integer)
                          : element.type == REDIS_REPLY_STRING
                              ? std::string(element.str, element.len)
                              : std::string());
        }
    }
    return rows;
}

long long Reply::integer() const noexcept {
    return reply_->integer;
}

std::string Reply::error() const {
    std::string shown = config::printable(text(), longest_reason);
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

// The largest answer. A server could otherwise announce billions of elements with a few bytes, for
// which the reader makes room at once.
constexpr std::size_t most_bytes = std::size_t{512} << 20;
constexpr std::size_t most_elements = 4'000'000;

constexpr Clock::duration between_looks = std::chrono::seconds(1);

// As hiredis makes lists, but for too long ones. The type of the size depends on its version.
template <class Size>
void* (*make_list)(const redisReadTask*, Size) = nullptr;

template <class Size>
void* make_list_within_limit(const redisReadTask* task, Size size) {
    std::size_t& elements = *static_cast<std::size_t*>(task->privdata);
    const auto more = static_cast<std::size_t>(size);
    if (more > most_elements - std::min(most_elements, elements)) {
        return nullptr;
    }
    elements += more;
    return make_list<Size>(task, size);
}

template <class Size>
void limit_lists(redisReplyObjectFunctions& functions, void* (*list)(const redisReadTask*, Size)) {
    make_list<Size> = list;
    functions.createArray = make_list_within_limit<Size>;
}

redisReader* make_reader(std::size_t& elements) {
    redisReader* const reader = redisReaderCreate();
    if (reader == nullptr) {
        return nullptr;
    }
    static redisReplyObjectFunctions functions = [reader] {
        redisReplyObjectFunctions limited = *reader->fn;
        limit_lists(limited, reader->fn->createArray);
        return limited;
    }();
    reader->fn = &functions;
    reader->privdata = &elements;
    return reader;
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
      reader_(make_reader(elements_)) {
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

// Returns how many bytes had arrived.
std::size_t RespClient::read() {
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
        return 0;
    }
    received_ += *size;
    if (received_ > most_bytes) {
        fail("the answer is too large");
    }
    if (redisReaderFeed(reader_.get(), bytes.data(), *size) != REDIS_OK) {
        fail(reader_->errstr);
    }
    return *size;
}

std::optional<Reply> RespClient::next_reply() {
    void* reply = nullptr;
    if (redisReaderGetReply(reader_.get(), &reply) != REDIS_OK) {
        const bool too_long = reader_->err == REDIS_ERR_OOM;
        fail(too_long ? "the answer is too large"
                      : "it speaks no protocol of Redis: " + config::printable(reader_->errstr));
    }
    if (reply == nullptr) {
        return std::nullopt;
    }
    received_ = elements_ = 0;
    return Reply(static_cast<redisReply*>(reply));
}

std::vector<Reply> RespClient::receive() {
    socket_.send({});
    std::vector<Reply> answers;
    while (read() != 0) {
        while (std::optional<Reply> reply = next_reply()) {
            if (reply->kind() == Reply::Kind::error && reply->text().starts_with(lock_lost)) {
                throw ConnectionError(
                    config::printable(reason_of_loss(reply->text()), longest_reason));
            }
            answers.push_back(std::move(*reply));
        }
    }
    return answers;
}

// Nothing if it does not come in time.
std::optional<Reply> RespClient::reply_within(Clock::duration time, bool more_for_long_ones) {
    constexpr std::size_t bytes_a_second = 64 * 1024;
    Patience patience(limit_);
    patience.begin(Clock::now(), time);
    for (;;) {
        socket_.send({});
        if (std::optional<Reply> reply = next_reply()) {
            return reply;
        }
        if (const std::size_t received = read(); received != 0) {
            // An answer, perhaps, before the connection turns out to be closed.
            if (more_for_long_ones) {
                patience.add(std::chrono::microseconds(received * 1'000'000 / bytes_a_second));
            }
            continue;
        }
        if (patience.look(Clock::now())) {
            return std::nullopt;
        }
        pollfd events{.fd = socket(), .events = POLLIN, .revents = 0};
        if (socket_.has_unsent()) {
            events.events |= POLLOUT;
        }
        const auto wait = std::min<Clock::duration>(patience.next_look(), std::chrono::hours(1));
        const int milliseconds =
            static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(wait).count());
        if (poll(&events, 1, milliseconds) < 0 && errno != EINTR) {
            fail(reason(errno));
        }
    }
}

Reply RespClient::command(const std::vector<std::string>& arguments,
                          std::optional<Clock::time_point> end) {
    const Clock::duration time = end ? std::min(time_until(*end), limit_) : limit_;
    send(arguments);
    std::optional<Reply> reply = reply_within(time, !end);
    if (!reply) {
        fail_late();
    }
    return std::move(*reply);
}

Reply RespClient::long_command(const std::vector<std::string>& arguments,
                               std::optional<Clock::time_point> end,
                               const std::function<void()>& look) {
    std::optional<Clock::duration> time;
    if (end) {
        time = time_until(*end);
    }
    send(arguments);
    return long_reply(time, look);
}

Reply RespClient::next_message() {
    return long_reply(std::nullopt, {});
}

// `left` counts as Patience does: a pass that fails has taken its time, and perhaps a pause.
Reply RespClient::long_reply(std::optional<Clock::duration> left,
                             const std::function<void()>& look) {
    const Clock::duration pass = look ? std::min(between_looks, limit_) : limit_;
    for (;;) {
        const bool is_last = left && *left <= pass;
        if (std::optional<Reply> reply = reply_within(is_last ? *left : pass, !left)) {
            return std::move(*reply);
        }
        if (is_last) {
            fail("the server does not answer");
        }
        if (left) {
            *left -= pass;
        }
        if (!server_answers(look)) {
            // An answer that has come meanwhile is worth more than that silence.
            if (std::optional<Reply> reply = arrived_reply()) {
                return std::move(*reply);
            }
            fail_late();
        }
    }
}

// Returns the answer if all of it has arrived.
std::optional<Reply> RespClient::arrived_reply() {
    std::optional<Reply> reply = next_reply();
    while (!reply && read() != 0) {
        reply = next_reply();
    }
    return reply;
}

// An end that has passed already did so in a pause of this process.
RespClient::Clock::duration RespClient::time_until(Clock::time_point end) const {
    const Clock::duration left = end - Clock::now();
    return left > Clock::duration::zero() ? left : limit_ / 2;
}

// Behind a command that waits, the server answers nothing else on this connection.
bool RespClient::server_answers(const std::function<void()>& look) const {
    try {
        if (look) {
            look();
        } else {
            RespClient other(address_, std::chrono::duration<double>(limit_).count(), files_);
            static_cast<void>(other.command({"PING"}));  // an error is an answer, too
        }
        return true;
    } catch (const ConnectionClosed&) {
        return true;  // it takes no more connections, and is there to say so
    } catch (const ConnectionError&) {
        return false;
    }
}

}  // namespace weir::app
