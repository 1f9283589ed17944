#include "modules/redis/client.h"

#include <cassert>
#include <iterator>
#include <stdexcept>

#include "core/run/scheduler.h"

namespace weir::redis {
namespace {

constexpr std::uint16_t redis_port = 6379;

Command script_command(const char* name, const std::string& script,
                       const std::vector<std::string>& keys,
                       const std::vector<std::string>& arguments, bool safe_to_repeat) {
    std::vector<std::string> all{name, script, std::to_string(keys.size())};
    all.insert(all.end(), keys.begin(), keys.end());
    all.insert(all.end(), arguments.begin(), arguments.end());
    return Command(all).safe_to_repeat(safe_to_repeat);
}

}  // namespace

Client::Client(Scheduler& scheduler, ClientOptions options)
    : Container(scheduler),
      options_(std::move(options)),
      server_(Address::parse(options_.server, redis_port)),
      server_text_(server_.text()),
      login_(options_.login),
      requests_(*this, options_.max_pending),
      parser_(options_.limits),
      inbox_changed_(scheduler) {
    if (server_.kind == Address::Kind::systemd) {
        throw std::invalid_argument("a client cannot connect to " + server_text_);
    }
    requests_.set_server(server_text_);
    start(run(), {.name = options_.name + ".connection", .daemon = true});
}

Client::~Client() {
    stream_ = nullptr;
    Container::close();
}

// --- commands

PendingReply Client::command(Command command, Time deadline) {
    if (!command.unfit().empty()) {
        throw std::invalid_argument(command.name() +
                                    " is not for this connection: " + std::string(command.unfit()));
    }
    if (is_for_messages()) {
        throw std::invalid_argument("a client with channels is for messages alone");
    }
    return {requests_, std::move(command),
            deadline == usual_deadline ? scheduler().now() + options_.command_timeout : deadline};
}

Task<Reply> Client::script(std::string text, std::vector<std::string> keys,
                           std::vector<std::string> arguments, bool safe_to_repeat, Time deadline) {
    const Time until =
        deadline == usual_deadline ? scheduler().now() + options_.command_timeout : deadline;
    {
        PendingReply known = command(
            script_command("EVALSHA", script_digest(text), keys, arguments, safe_to_repeat), until);
        try {
            co_return co_await known;
        } catch (const ServerError& error) {
            if (error.code() != "NOSCRIPT") {  // then nothing was executed
                throw;
            }
        }
    }
    PendingReply whole =
        command(script_command("EVAL", text, keys, arguments, safe_to_repeat), until);
    co_return co_await whole;
}

void Client::flush() noexcept {
    if (stream_ == nullptr) {
        return;
    }
    try {
        std::string bytes = requests_.send_all(scheduler().now());
        if (!bytes.empty()) {
            stream_->queue_output(std::move(bytes));
        }
    } catch (...) {
        // What was not sent waits for the next connection.
        scheduler().log_exception("a command was not sent to " + server_text_);
        broken_ = "out of memory";  // short enough to need none
        give_up(*std::exchange(stream_, nullptr));
    }
}

void Client::read_certificates_again() {
    if (options_.tls != nullptr) {
        options_.tls->reload();
    }
}

// --- messages

Task<std::reference_wrapper<const Message>> Client::next_message() {
    const MatcherOf<SocketEvent> readable = inbox_changed_.matcher(SocketEvent::Type::readable);
    while (inbox_.empty()) {
        inbox_changed_.want(SocketEvent::Type::readable);
        co_await readable;
    }
    co_return std::cref(inbox_.front());
}

void Client::pop_message() {
    assert(!inbox_.empty());
    inbox_bytes_ -= inbox_.front().size();
    inbox_.pop_front();
    inbox_changed_.signal(SocketEvent::Type::writable);
}

void Client::take_messages(Client& from) {
    inbox_.insert(inbox_.begin(), std::make_move_iterator(from.inbox_.begin()),
                  std::make_move_iterator(from.inbox_.end()));
    from.inbox_.clear();
    inbox_bytes_ += std::exchange(from.inbox_bytes_, 0);
    from.inbox_changed_.signal(SocketEvent::Type::writable);
    inbox_changed_.signal(SocketEvent::Type::readable);
}

}  // namespace weir::redis
