#include "modules/zookeeper/request.h"

#include <cassert>
#include <limits>
#include <utility>

#include "modules/zookeeper/error.h"
#include "modules/zookeeper/wire.h"

namespace weir::zookeeper {

Request::Request(Requests& requests, Question question, Time deadline)
    : PendingResult(deadline), requests_(&requests), question_(std::move(question)) {
    requests.add(*this);
}

Request::~Request() {
    if (requests_ != nullptr) {
        requests_->forget(*this);
    }
}

Reply Request::take_reply() {
    assert(done());
    return take();
}

void Request::time_out() {
    if (done()) {
        return;
    }
    const std::string text = requests_->timeout_text(*this);
    const bool in_doubt = sent_ && question_.writes;
    requests_->forget(*this);
    fail(in_doubt ? std::make_exception_ptr(InDoubtError(text))
                  : std::make_exception_ptr(UnavailableError(text)));
}

// --- Requests

Requests::~Requests() {
    std::string why = "session closed";  // short enough to need no memory
    connection_lost(why);
    refuse(std::move(why));
}

void Requests::add(Request& request) {
    if (!refusal_.empty()) {
        request.fail_as<ClosedError>([&] { return request.question().doing() + ": " + refusal_; });
        return;
    }
    waiting_.push_back(request);
    owner_.request_waits();
}

void Requests::forget(Request& request) noexcept {
    for (Sent& sent : sent_) {
        if (sent.request == &request) {
            sent.request = nullptr;
        }
    }
    if (request.linked()) {
        request.unlink();
    }
    request.requests_ = nullptr;
}

std::string Requests::send_all(Time now, BootTime at, const std::string& server) {
    std::string frames;
    server_ = server;
    while (!waiting_.empty()) {
        Request& request = waiting_.front();
        if (request.deadline() <= now) {
            request.time_out();
            continue;
        }
        // Before the request leaves the line: what throws leaves it there.
        const std::int32_t xid =
            last_xid_ == std::numeric_limits<std::int32_t>::max() ? 1 : last_xid_ + 1;
        WireWriter writer;
        writer(RequestHeader{xid, request.question().operation});
        writer.append(request.question().body);
        frames += writer.take_frame();
        sent_.push_back({xid, &request, at, request.question().writes});
        last_xid_ = xid;
        request.sent_ = true;
        request.unlink();
    }
    return frames;
}

std::optional<BootTime> Requests::answered(const ReplyHeader& header, std::string_view body) {
    if (sent_.empty() || sent_.front().xid != header.xid) {
        throw WireError("an answer to request " + std::to_string(header.xid) + ", " +
                        (sent_.empty() ? "but there is none"
                                       : "before that to " + std::to_string(sent_.front().xid)));
    }
    const Sent sent = sent_.front();
    if (Request* const request = sent.request) {
        settle(*request, header.code, body);  // if it throws, the request is still among the sent
    }
    sent_.pop_front();
    return sent.writes && header.code == Code::ok ? std::optional(sent.at) : std::nullopt;
}

void Requests::settle(Request& request, Code code, std::string_view body) {
    const Question& question = request.question();
    const bool is_there = code == Code::ok;
    if (!is_there && !(code == Code::no_node && question.operation == OpCode::exists)) {
        const std::string doing = question.doing() + " on " + server_;
        request.fail(
            code == Code::session_expired
                ? std::make_exception_ptr(SessionExpiredError(doing + ": " + text_of(code)))
                : std::make_exception_ptr(RefusedError(doing, code)));
        return;
    }
    if (question.watch != nullptr) {
        // A node that is there is watched as one whose data was read.
        watches_.arm(*question.watch,
                     is_there && question.watch_kind == WatchKind::existence ? WatchKind::data
                                                                             : question.watch_kind,
                     question.watched_path);
    }
    request.answer(is_there ? Reply(body) : std::nullopt);
}

void Requests::connection_lost(const std::string& reason) noexcept {
    while (!sent_.empty()) {
        const Sent sent = sent_.back();
        sent_.pop_back();
        if (sent.request == nullptr) {
            continue;
        }
        sent.request->sent_ = false;
        if (sent.writes) {
            sent.request->fail_as<InDoubtError>([&] {
                return sent.request->question().doing() + " on " + server_ +
                       ": it may have been done, the connection was lost before an answer: " +
                       reason;
            });
        } else {
            waiting_.push_front(*sent.request);
        }
    }
}

void Requests::refuse(std::string why) noexcept {
    refusal_ = std::move(why);
    fail_waiting<ClosedError>(refusal_);
}

std::string Requests::timeout_text(const Request& request) const {
    if (request.sent_) {
        return request.question().doing() + " on " + server_ + ": no answer before the deadline" +
               (request.question().writes ? ", it may have been done" : "");
    }
    return request.question().doing() + ": no server before the deadline" +
           (obstacle_.empty() ? "" : ": " + obstacle_);
}

}  // namespace weir::zookeeper
