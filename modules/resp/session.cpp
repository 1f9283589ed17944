#include "modules/resp/session.h"

#include <utility>

#include "config/quoted.h"
#include "modules/resp/command.h"
#include "modules/resp/resp_protocol.h"

namespace weir::resp {

namespace {

// Replies are collected while there are more requests, up to about this size.
constexpr std::size_t reply_bytes = 16 * 1024;

// What browsers send: a web page could otherwise make one send commands (Redis guards against the
// same).
bool is_http(std::string_view word) noexcept {
    return same_word(word, "POST") || same_word(word, "HOST:");
}

}  // namespace

Session::Session(RespProtocol& protocol, Connection& connection, std::uint64_t id)
    : protocol_(protocol),
      connection_(connection),
      id_(id),
      life_(new SessionLife),
      parser_(protocol.request_limits()),
      locks_(std::in_place, connection.scheduler(), title()),
      connected_at_(connection.scheduler().now()),
      last_request_at_(connected_at_),
      authenticated_(!protocol.settings().password) {}

Session::~Session() {
    end();
}

void Session::start() {
    routine_ = connection_.start(run(), {.name = "client " + std::to_string(id_)});
}

Ref<InputEvent> Session::input(std::string_view bytes, bool end) {
    Ref<InputEvent> event = make_event<InputEvent>();
    event->connection = &connection_;
    event->life = life_;
    event->bytes = bytes;
    event->end = end;
    return event;
}

void Session::input_ended() {
    input_ended_ = true;
    if (!waiting_for_.empty()) {
        end();
        connection_.shutdown();
    }
}

void Session::end() noexcept {
    if (!std::exchange(life_->open, false)) {
        return;
    }
    protocol_.leave(*this);
    if (const Ref<Routine> routine = std::move(routine_)) {
        routine->close();
    }
    waiting_for_.clear();
    locks_->close();
    scheduler().ignore(match<InputEvent>(&connection_).make());
}

bool Session::idle_for(Duration time) const {
    return scheduler().now() - last_request_at_ >= time && waiting_for_.empty() &&
           locks_->held() == 0;
}

bool Session::stuck() noexcept {
    const std::uint64_t sent = connection_.sent();
    const bool was_behind = std::exchange(behind_, connection_.output_size() != 0);
    const bool same = std::exchange(sent_before_, sent) == sent;
    return was_behind && behind_ && same;
}

Task<> Session::flush() {
    if (reply_.size() != 0) {
        co_await connection_.write(reply_.take());
    }
}

Task<bool> Session::begin_waiting(std::string what) {
    co_await flush();
    if (!input_ended_) {
        waiting_for_ = std::move(what);
    }
    co_return !input_ended_;
}

void Session::reset() {
    name_.clear();
    locks_.emplace(scheduler(), title());
    reply_.set_version(ReplyWriter::oldest_version);
    set_authenticated(!protocol_.settings().password);
}

void Session::set_name(std::string_view name) {
    name_ = name;
    if (locks_->held() == 0) {
        locks_.emplace(scheduler(), title());  // listings name the owner of what it takes from now
    }
}

void Session::set_authenticated(bool authenticated) {
    authenticated_ = authenticated;
}

std::string Session::title() const {
    return "client " + std::to_string(id_) + (name_.empty() ? "" : " '" + name_ + "'");
}

Task<> Session::run() {
    const MatcherOf<InputEvent> input = match<InputEvent>(&connection_);
    while (!closing_) {
        const Ref<InputEvent> event = co_await input;
        event->set_ignorable();
        co_await execute_all(event->bytes);
        if (event->end) {
            closing_ = true;
        }
        co_await flush();
    }
    locks_->close();
    connection_.shutdown();
}

Task<> Session::execute_all(std::string_view bytes) {
    while (!bytes.empty() && !closing_) {
        switch (parser_.parse(bytes)) {
            case RequestParser::Status::incomplete:
                break;
            case RequestParser::Status::complete:
                co_await execute(parser_.take_request());
                break;
            case RequestParser::Status::refused:
                error(parser_.reason());
                break;
            case RequestParser::Status::broken:
                break_off();
                break;
        }
        if (reply_.size() >= reply_bytes) {
            co_await flush();
        }
    }
}

Task<> Session::execute(Request request) {
    last_request_at_ = scheduler().now();
    const Command* command = check(request);
    if (command == nullptr) {
        co_return;
    }
    last_command_ = command;
    protocol_.count_command();
    if (command->run != nullptr) {
        command->run(*this, request);
    } else {
        co_await command->run_long(*this, request);
    }
}

// The command, if it may be run; otherwise answers why not.
const Command* Session::check(const Request& request) {
    const Command* command = find_command(request[0]);
    if (command == nullptr) {
        if (is_http(request[0])) {
            scheduler().log(LogLevel::warning, connection_.describe() + ": speaks HTTP, closed");
            closing_ = true;
            return nullptr;
        }
        error(authenticated_ ? unknown_command(request[0]) : "unknown command, and AUTH is needed");
        return nullptr;
    }
    if (!authenticated_ && !command->before_auth) {
        reply_.error("NOAUTH", "Authentication required.");
        return nullptr;
    }
    if (request.size() < command->least || request.size() > command->most) {
        error(wrong_arity(*command));
        return nullptr;
    }
    return command;
}

void Session::break_off() {
    error(parser_.reason());
    scheduler().log(LogLevel::info, connection_.describe() + ": " + parser_.reason());
    closing_ = true;
}

}  // namespace weir::resp
