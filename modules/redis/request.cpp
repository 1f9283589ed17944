#include "modules/redis/request.h"

#include <cassert>
#include <utility>

#include "modules/redis/error.h"
#include "modules/redis/reply_parser.h"

namespace weir::redis {

Request::Request(Requests& requests, Command command, Time deadline)
    : PendingResult(deadline), requests_(&requests), command_(std::move(command)) {
    requests.add(*this);
}

Request::~Request() {
    if (requests_ != nullptr) {
        requests_->forget(*this);
    }
}

Reply Request::take_reply() {
    assert(done());
    Reply reply = take();
    if (reply.is_error()) {
        throw ServerError(command_.name() + " on " + server_, reply.text);
    }
    return reply;
}

void Request::time_out() {
    if (done()) {
        return;
    }
    Requests& requests = *requests_;
    const bool in_doubt = is_sent_ && !command_.is_safe_to_repeat();
    const std::string text =
        is_sent_ ? requests.doing(*this) + ": no reply before the deadline" +
                       (in_doubt ? ", it may have been executed" : "")
                 : command_.name() + ": not sent before the deadline" +
                       (requests.obstacle_.empty() ? "" : ": " + requests.obstacle_);
    requests.in_doubt_ += in_doubt ? 1 : 0;
    requests.forget(*this);
    fail(in_doubt ? std::make_exception_ptr(InDoubtError(text))
                  : std::make_exception_ptr(UnavailableError(text)));
}

void Request::leave() noexcept {
    if (requests_ != nullptr) {
        --requests_->size_;
        requests_ = nullptr;
    }
}

// --- Requests

Requests::~Requests() {
    const std::string why = "client closed";  // short enough to need no memory
    connection_lost(why);
    closed_ = true;
    while (!waiting_.empty()) {
        Request& request = waiting_.pop_front();
        request.fail_as<ClosedError>([&] { return request.command().name() + ": " + why; });
    }
}

void Requests::add(Request& request) {
    ++size_;
    if (closed_) {
        request.fail_as<ClosedError>([&] { return request.command().name() + ": client closed"; });
    } else if (size_ > most_) {
        request.fail_as<LimitError>([&] {
            return request.command().name() + ": " + std::to_string(most_) +
                   " commands wait already, as many as are allowed (max_pending)" +
                   (obstacle_.empty() ? "" : ": " + obstacle_);
        });
    } else {
        waiting_.push_back(request);
        owner_.request_waits();
    }
}

void Requests::forget(Request& request) noexcept {
    if (request.is_sent_) {
        for (Sent& sent : sent_) {
            if (sent.request == &request) {
                sent.request = nullptr;
                break;
            }
        }
    }
    if (request.linked()) {
        request.unlink();
    }
    --size_;
    request.requests_ = nullptr;
}

std::string Requests::send_all(Time now) {
    std::string bytes;
    while (!waiting_.empty()) {
        Request& request = waiting_.front();
        if (request.deadline() <= now) {
            request.time_out();
            continue;
        }
        // Before the command leaves the line: what throws leaves it there.
        sent_.push_back({&request, {now, request.deadline()}});
        request.is_sent_ = true;
        request.unlink();
        ++sent_in_all_;
        if (request.command_.is_safe_to_repeat()) {
            bytes += request.command_.bytes();
        } else if (bytes.empty()) {
            bytes = request.command_.take_bytes();
        } else {
            bytes += request.command_.bytes();
        }
    }
    return bytes;
}

void Requests::answered(Reply reply) {
    if (sent_.empty()) {
        throw ReplyError("a reply came that no command has asked for");
    }
    Request* const request = sent_.front().request;
    if (request != nullptr && reply.is_error()) {
        request->server_ = server_;  // if it throws, the command is still among the sent
    }
    sent_.pop_front();
    if (request != nullptr) {
        request->answer(std::move(reply));
    }
}

void Requests::connection_lost(const std::string& reason) noexcept {
    while (!sent_.empty()) {
        Request* const request = sent_.back().request;
        sent_.pop_back();
        if (request == nullptr) {
            continue;
        }
        request->is_sent_ = false;
        if (request->command().is_safe_to_repeat()) {
            waiting_.push_front(*request);
            continue;
        }
        ++in_doubt_;
        request->fail_as<InDoubtError>([&] {
            return doing(*request) +
                   ": it may have been executed, the connection was lost before a reply: " + reason;
        });
    }
}

}  // namespace weir::redis
