#include "modules/resp/session.h"

#include <algorithm>
#include <new>
#include <utility>

#include "config/text/quoted.h"
#include "modules/lock/state.h"
#include "modules/resp/command.h"
#include "modules/resp/protocol.h"
#include "modules/system/call/client_name.h"
#include "modules/system/call/long_turn.h"

namespace weir::resp {

namespace {

// Replies are collected while there are more requests, up to about this size.
constexpr std::size_t reply_bytes = 16 * 1024;

// Bytes of replies that clients of one address leave unread until they get no more long ones.
constexpr std::size_t most_unread = std::size_t{32} << 20;

// What CLIENT LIST shows of a wait, at most.
constexpr std::size_t longest_wait = 256;

}  // namespace

Session::Session(RespProtocol& protocol, Connection& connection, std::uint64_t id)
    : protocol_(protocol),
      connection_(connection),
      id_(id),
      life_(new SessionLife),
      from_address_(protocol.count(connection)),
      caller_(protocol.greet(connection)),
      locks_(make_locks()),
      connected_at_(connection.scheduler().now()),
      last_request_at_(connected_at_) {}

Session::Session(RespProtocol& protocol, HandedSession handed)
    : protocol_(protocol),
      connection_(*handed.connection),
      id_(handed.id),
      life_(std::move(handed.life)),
      from_address_(protocol.count(connection_)),
      parser_(std::move(handed.parser)),
      reply_(std::move(handed.reply)),
      name_(std::move(handed.name)),
      caller_(std::move(handed.caller)),
      locks_(std::move(handed.locks)),
      losses_(std::move(handed.losses)),
      transaction_(std::move(handed.transaction)),
      reply_mode_(handed.reply_mode),
      connected_at_(handed.connected_at),
      last_request_at_(handed.last_request_at),
      last_command_(handed.last_command.empty() ? nullptr : find_command(handed.last_command)),
      input_ended_(handed.input_ended),
      bytes_(std::move(handed.bytes)),
      end_(handed.end),
      handed_watches_(std::move(handed.watches)) {
    parser_.set_limits(protocol.request_limits(*caller_));
    locks_->set_listener(this);
}

std::unique_ptr<LockSession> Session::make_locks() {
    auto made = std::make_unique<LockSession>(scheduler(), title(), client_name(*caller_));
    made->set_listener(this);
    return made;
}

HandedSession Session::hand_over(std::string bytes, bool end) {
    const bool was_idle = idle();
    locks_->set_listener(nullptr);
    if (const Ref<Routine> telling = std::move(telling_losses_)) {
        telling->close();
    }
    HandedSession handed{
        .connection = &connection_,
        .id = id_,
        .life = std::move(life_),
        .parser = std::move(parser_),
        .reply = std::move(reply_),
        .name = std::move(name_),
        .locks = std::move(locks_),
        .losses = std::move(losses_),
        .connected_at = connected_at_,
        .last_request_at = last_request_at_,
        .last_command = std::string(last_command_ == nullptr ? "" : last_command_->name),
        .caller = std::move(caller_),
        .input_ended = input_ended_,
        .transaction = std::move(transaction_),
        .reply_mode = reply_mode_,
        .watches = watches_.take(),
        .bytes = std::move(bytes),
        .end = end};
    protocol_.leave(*this);
    from_address_.reset();
    if (const Ref<Routine> routine = std::move(routine_); was_idle) {
        routine->close();
    }
    return handed;
}

Session::~Session() {
    end();
}

void Session::start() {
    routine_ = connection_.start(serve(std::move(bytes_), end_),
                                 {.name = "client " + std::to_string(id_)});
    watches_.add_all(std::exchange(handed_watches_, {}));
    if (!losses_.empty()) {
        telling_losses_ = connection_.start(tell_losses(), {.name = "losses", .daemon = true});
    }
}

Ref<InputEvent> Session::input(std::string_view bytes, bool end) {
    Ref<InputEvent> event = make_event<InputEvent>();
    event->module = protocol_.module();
    event->connection = &connection_;
    event->life = life_;
    event->bytes = bytes;
    event->end = end;
    return event;
}

bool Session::take(const Ref<InputEvent>& event) {
    if (!idle() || !scheduler().may_pass_by(*event, PassBy::next_of_all)) {
        return false;
    }
    life_->input.give(event);
    return true;
}

void Session::input_ended() {
    input_ended_ = true;
    if (!waiting_for_.empty()) {
        end();
        connection_.shutdown();
    }
}

void Session::end() noexcept {
    if (life_ == nullptr || !std::exchange(life_->open, false)) {
        return;
    }
    protocol_.leave(*this);
    from_address_.reset();
    if (const Ref<Routine> routine = std::move(routine_)) {
        routine->close();
    }
    if (const Ref<Routine> telling = std::move(telling_losses_)) {
        telling->close();
    }
    life_->input.clear();
    waiting_for_.clear();
    watches_.clear();
    locks_->close();
    scheduler().ignore(match<InputEvent>(protocol_.module(), &connection_).make());
}

bool Session::idle_for(Duration time) const {
    return scheduler().now() - last_request_at_ >= time && waiting_for_.empty() &&
           locks_->held() == 0 && watches_.empty();
}

bool Session::stuck_for(Duration time) noexcept {
    const std::size_t unacknowledged = connection_.unacknowledged();
    const std::uint64_t taken = connection_.sent() - unacknowledged;
    const bool took_some = std::exchange(taken_, taken) != taken;
    if (connection_.output_size() == 0 && unacknowledged == 0) {
        behind_since_.reset();
        return false;
    }
    if (took_some || !behind_since_) {
        // Not later than the time from which the connection counts to the next call.
        behind_since_ = scheduler().time_of_round();
    }
    return scheduler().now() - *behind_since_ >= time;
}

Task<> Session::flush() {
    if (reply_.size() != 0) {
        co_await connection_.write(reply_.take());
    }
}

Task<> Session::turn(std::size_t items, LongWork::Piece piece) {
    if (!protocol_.long_work()->begin(items)) {
        co_await flush();
        co_await long_turn(protocol_.long_work(), *caller_, items, piece);
    }
}

bool Session::refuse_long_reply() {
    if (!from_address_) {
        return false;
    }
    std::size_t unread = 0;
    for (const Session& session : protocol_.sessions()) {
        if (session.from_address_ && session.from_address_->same_as(*from_address_)) {
            unread += session.connection_.output_size();
        }
    }
    if (unread > most_unread) {
        error("the clients of this address leave more than 32 MiB of replies unread");
    }
    return unread > most_unread;
}

Task<bool> Session::begin_long(std::size_t items) {
    co_await turn(items);
    co_return items < LongWork::per_round || !refuse_long_reply();
}

Task<> Session::carry_out(const Command& command, const Request& request) {
    if (command.items != nullptr) {
        const bool begins = co_await begin_long(command.items(*this, request));
        if (!begins) {
            co_return;
        }
    }
    if (command.run != nullptr) {
        command.run(*this, request);
    } else {
        co_await command.run_long(*this, request);
    }
}

Task<bool> Session::begin_waiting(std::string what) {
    co_await flush();
    if (!input_ended_) {
        // Clients choose what they wait for, and all of it is in CLIENT LIST.
        what.resize(std::min(what.size(), longest_wait));
        waiting_for_ = std::move(what);
    }
    co_return !input_ended_;
}

void Session::reset() {
    name_.clear();
    watches_.clear();
    locks_ = make_locks();
    transaction_.reset();
    set_reply_mode(ReplyMode::on);
    reply_.set_version(ReplyWriter::oldest_version);
    set_caller(protocol_.greet(connection_));
}

// Counts the locks that the client takes from now on for the user that has logged in.
void Session::set_caller(Ref<Caller> caller) {
    locks_->set_client(client_name(*caller));
    caller_ = std::move(caller);
    parser_.set_limits(protocol_.request_limits(*caller_));
}

void Session::set_name(std::string_view name) {
    name_ = name;
    if (locks_->held() == 0) {
        // Listings show the new name for the locks that it takes from now on.
        locks_ = make_locks();
    }
}

// --- locks that are taken away

void Session::lock_lost(const LostLock& lost) noexcept {
    try {
        losses_.push_back(lost);
        if (telling_losses_ == nullptr) {
            telling_losses_ = connection_.start(tell_losses(), {.name = "losses", .daemon = true});
        }
    } catch (const std::bad_alloc&) {
        scheduler().log_exception("telling a client that a lock is lost");
        connection_.shutdown(true);  // a client without a connection holds nothing
    }
}

Task<> Session::tell_losses() {
    const MatcherOf<TransactionEnded> ended = match<TransactionEnded>(this);
    while (in_exec_) {  // it must not stand within a reply
        co_await ended;
    }
    while (!losses_.empty()) {
        ReplyWriter writer;
        writer.set_version(reply_.version());
        write_losses(writer);
        Connection& connection = connection_;
        const bool ends = writer.version() == ReplyWriter::oldest_version;
        if (ends) {
            telling_losses_ = nullptr;
            end();  // from now on nothing else is done for the client, by whatever version
        }
        co_await connection.write(writer.take());
        if (ends) {
            connection.shutdown();
            co_return;
        }
    }
    telling_losses_ = nullptr;
}

void Session::write_losses(ReplyWriter& writer) {
    for (const LostLock& lost : std::exchange(losses_, {})) {
        if (writer.version() == ReplyWriter::oldest_version) {
            writer.error("LOCKLOST",
                         describe_lock(lost.key, lost.context) + " is lost: " + lost.reason);
            continue;
        }
        writer.push(5);
        writer.bulk("lock-lost");
        writer.bulk(key_text(lost.key));
        writer.bulk(lost.context);
        writer.integer(static_cast<std::int64_t>(lost.token));
        writer.bulk(lost.reason);
    }
}

std::optional<ApiError> Session::refusal(const Command& command) const {
    std::optional<Right> right = command.needs.right();
    if (!right) {
        return {};
    }
    if (right->module.empty()) {
        right->module = protocol_.log().module();
    }
    return caller_->refusal(*right);
}

void Session::refuse(const ApiError& error) {
    reply_.error(error.code == ApiError::denied ? "NOPERM" : "ERR", to_text(error));
}

std::string Session::title() const {
    return "client " + std::to_string(id_) + (name_.empty() ? "" : " '" + name_ + "'");
}

Task<> Session::serve(std::string bytes, bool end) {
    for (bool begun = !bytes.empty() || end;; begun = false) {
        if (!begun) {
            const Ref<InputEvent> event = co_await NextOf<InputEvent>(life_->input);
            event->set_ignorable();
            parser_.set_limits(protocol_.request_limits(*caller_));  // they may have changed
            bytes = std::move(event->bytes);
            end = event->end;
        }
        std::string_view rest = bytes;
        do {
            if (const Command* command = execute(rest)) {
                if (command->items != nullptr) {
                    co_await carry_out(*command, parser_.request());
                } else {
                    co_await command->run_long(*this, parser_.request());
                }
                end_request();
            }
            if (has_many_replies()) {
                co_await flush();
            }
        } while (goes_on(rest));
        if (rest.empty() && end) {
            closing_ = true;
        }
        if (reply_.size() != 0) {
            co_await connection_.write(reply_.take());
        }
        if (closing_) {
            break;
        }
        if (protocol_.replaced()) {
            // Destroys this session.
            protocol_.hand_on(hand_over(std::string(rest), end));
            co_return;
        }
    }
    locks_->close();
    connection_.shutdown();
}

bool Session::goes_on(std::string_view bytes) const noexcept {
    return !bytes.empty() && !closing_ && !protocol_.replaced();
}

bool Session::has_many_replies() const noexcept {
    return reply_.size() >= reply_bytes;
}

const Command* Session::execute(std::string_view& bytes) {
    while (goes_on(bytes) && !has_many_replies()) {
        switch (parser_.parse(bytes)) {
            case RequestParser::Status::incomplete:
                break;
            case RequestParser::Status::complete:
                if (const Command* command = begin_request()) {
                    return command;
                }
                end_request();
                break;
            case RequestParser::Status::refused:
                begin_reply();
                error(parser_.reason());
                refuse_request();
                break;
            case RequestParser::Status::broken:
                break_off();
                break;
            case RequestParser::Status::other_protocol:
                protocol_.warn_of_other_protocol(connection_, parser_.reason());
                closing_ = true;
                break;
        }
    }
    return nullptr;
}

// Executes the request of the parser. Returns its command instead if it may wait.
const Command* Session::begin_request() {
    last_request_at_ = scheduler().time_of_round();
    begin_reply();
    Request& request = parser_.request();
    const Command* command = check(request);
    if (command == nullptr) {
        refuse_request();
        return nullptr;
    }
    if (transaction_ && !command->ends_transaction) {
        collect(std::move(request));
        return nullptr;
    }
    last_command_ = command;
    protocol_.count_command();
    if (command->run == nullptr || command->items != nullptr) {
        return command;
    }
    command->run(*this, request);
    return nullptr;
}

void Session::refuse_request() {
    if (transaction_) {
        transaction_->refuse();
    }
}

Task<> Session::run(const Command& command, const Request& request) {
    last_command_ = &command;
    protocol_.count_command();
    return carry_out(command, request);
}

// Decides whether the reply to the request that begins is sent.
void Session::begin_reply() noexcept {
    reply_.set_silent(reply_mode_ != ReplyMode::on);
    if (reply_mode_ == ReplyMode::skip_next) {
        reply_mode_ = ReplyMode::on;
    }
}

void Session::set_reply_mode(ReplyMode mode) noexcept {
    // After OFF, only ON changes anything.
    if (mode != ReplyMode::skip_next || reply_mode_ != ReplyMode::off) {
        reply_mode_ = mode;
    }
    reply_.set_silent(mode != ReplyMode::on);
}

void Session::collect(Request request) {
    const std::size_t most = protocol_.request_limits(*caller_).request_bytes;
    if (transaction_->add(std::move(request), most)) {
        reply_.simple("QUEUED");
    } else {
        error("the transaction takes more than " + std::to_string(most) + " bytes (max_request)");
    }
}

Task<> Session::execute_transaction() {
    const Transaction transaction = std::move(*transaction_);
    transaction_.reset();
    if (transaction.refused()) {
        reply_.error("EXECABORT", "Transaction discarded because of previous errors.");
        co_return;
    }
    reply_.array(transaction.requests().size());
    in_exec_ = true;
    for (const Request& request : transaction.requests()) {
        if (const Command* command = check(request)) {
            co_await run(*command, request);
        }
        if (has_many_replies()) {
            co_await flush();
        }
    }
    in_exec_ = false;
    if (!watches_.empty() || !losses_.empty()) {
        scheduler().emergency_send(make_event<TransactionEnded>(this));
    }
}

// Returns the command if it may be run; otherwise answers why not.
const Command* Session::check(const Request& request) {
    const Command* command = find_command(request[0]);
    if (command == nullptr) {
        if (caller_->has_roles()) {
            error(unknown_command(request[0]));
        } else {
            reply_.error("NOAUTH",
                         "Authentication required. Send AUTH <password> first. (The command is "
                         "unknown as well.)");
        }
        return nullptr;
    }
    if (!command->before_auth && !caller_->has_roles()) {
        reply_.error("NOAUTH", "Authentication required. Send AUTH <password> first.");
        return nullptr;
    }
    if (request.size() < command->least || request.size() > command->most) {
        error(wrong_arity(*command));
        return nullptr;
    }
    if (const auto error = refusal(*command)) {
        refuse(*error);
        return nullptr;
    }
    return command;
}

void Session::break_off() {
    error(parser_.reason());
    protocol_.log().info("{}: {}", connection_.describe(), parser_.reason());
    closing_ = true;
}

}  // namespace weir::resp
