#include "modules/redis/lockd_backend.h"

#include <algorithm>
#include <array>
#include <exception>
#include <new>
#include <utility>

#include "config/settings/duration.h"
#include "config/text/utf8.h"
#include "core/queue/leaf_queue.h"
#include "core/wait/do_events.h"
#include "core/wait/timeout.h"
#include "modules/lock/errors.h"
#include "modules/redis/events.h"
#include "modules/system/call/json.h"

namespace weir::redis {
namespace {

// Between two looks whether locks are lost. The clock that counts may go on while the timers of
// this process stand still.
constexpr Duration longest_look = std::chrono::seconds(1);
// How long a try waits for lockd: its caller does not want to wait.
constexpr Duration longest_try = std::chrono::seconds(1);
// Between two attempts of a wait that has failed for another reason than its connection.
constexpr Duration retry_pause = std::chrono::milliseconds(100);
// How long lockd may take to hear that this process ends.
constexpr Duration farewell = std::chrono::seconds(2);
// Idle sessions that are kept for the next locks.
constexpr std::ptrdiff_t most_idle = 16;
// A wait has no deadline; whether lockd is there is seen at the other connection.
constexpr Duration any_time = std::chrono::hours(24 * 365);

// Objects, because a loss is told although there is no memory.
const std::string unconfirmed =
    "lockd has not confirmed the session in time: it may have ended it, and another process may "
    "hold the lock";
const std::string expired = "lockd has ended the session";
const std::string not_understood =
    "lockd's answer to the renewal of the session cannot be understood: it is not known whether "
    "the lock is still held";

ClientOptions for_waits(ClientOptions how) {
    how.name += ".wait";
    how.command_timeout = any_time;
    how.ping_interval = any_time;
    return how;
}

// '%', and each byte that is not a letter or digit as two hexadecimal digits behind another '%'.
std::string escaped(std::string_view text) {
    constexpr std::string_view digits = "0123456789ABCDEF";
    std::string result = "%";
    for (const char c : text) {
        if ((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z')) {
            result += c;
        } else {
            const auto byte = static_cast<unsigned char>(c);
            result += {'%', digits[byte >> 4U], digits[byte & 15U]};
        }
    }
    return result;
}

std::string text_name(std::string_view text) {
    const bool is_itself =
        !text.empty() && text.front() != '%' && config::utf8_prefix(text) == text.size();
    return is_itself ? std::string(text) : escaped(text);
}

// The code of an error of a function at lockd: "no_semaphore" of "ERR no_semaphore: ...".
std::string_view code_in(const ServerError& error) {
    const std::string_view text = error.answer();
    const std::size_t begin = text.find(' ');
    return begin == std::string_view::npos
               ? text
               : text.substr(begin + 1, text.find(':', begin) - begin - 1);
}

std::optional<std::uint64_t> token_in(const Reply& reply) {
    const Json json = Json::parse(reply.text, nullptr, false);
    return json.is_number_unsigned() ? std::optional(json.get<std::uint64_t>()) : std::nullopt;
}

}  // namespace

std::string lockd_key(const IndexValue& key) {
    if (key.kind() == IndexValue::Kind::text) {
        return text_name(key.text());
    }
    require_shareable(key, "lockd");
    return "%=" + escaped(key.describe()).substr(1);
}

std::string lockd_context(std::string_view context) {
    return text_name(context);
}

// --- sessions and slots

// A session at lockd, which has at most one lock.
struct LockdBackend::Session {
    std::string id;
    // Until when lockd certainly keeps it; the past: it is lost.
    BootTime valid_until;
    // null: it is idle, or on its way to be.
    Slot* slot = nullptr;
    bool is_idle = false;
};

class LockdBackend::Slot final : public RemoteSlot, public Link<Slot> {
public:
    Slot(LockdBackend& backend, std::string context, std::string key, std::size_t size,
         bool only_tries, User& user)
        : backend_(backend),
          context_(std::move(context)),
          key_(std::move(key)),
          size_(size),
          only_tries_(only_tries),
          deadline_(only_tries ? backend.scheduler().now() + longest_try : usual_deadline),
          user_(user) {}
    ~Slot() override { backend_.give_up(*this); }

    // The epoch while it is not granted.
    BootTime valid_until() const noexcept override {
        return is_granted_ ? session_->valid_until : BootTime();
    }
    std::uint64_t token() const noexcept override { return token_; }
    bool is_known_taken() const noexcept override {
        return is_taken_ && session_ != nullptr && session_->valid_until > backend_.now();
    }

private:
    friend class LockdBackend;

    // Whether it is one of a semaphore. All that read share a lock of unlimited size.
    bool has_slots() const noexcept { return size_ > 1 && size_ != unlimited; }
    std::string doing() const { return "lock '" + key_ + "' in context '" + context_ + "'"; }
    // The parameters of a function that is about the lock, with `more` members.
    std::string parameters(bool with_mode) const {
        Json json{{"session", session_->id}, {"context", context_}, {"key", key_}};
        if (with_mode) {
            json["shared"] = has_slots();
            if (size_ == unlimited) {
                json["read"] = true;
            }
        }
        return json.dump();
    }

    LockdBackend& backend_;
    const std::string context_;
    const std::string key_;
    const std::size_t size_;
    const bool only_tries_;
    const Time deadline_;  // of the commands that ask for it
    User& user_;
    Ref<Routine> asking_;    // null once it has ended
    SessionHandle session_;  // null: it has none
    bool is_granted_ = false;
    bool is_taken_ = false;    // so lockd has answered in the session
    bool is_in_line_ = false;  // lockd may grant it in the session, now or later
    std::uint64_t token_ = 0;
};

LockdBackend::LockdBackend(Scheduler& scheduler, ClientOptions how, LockdBackendOptions options)
    : Container(scheduler),
      how_(std::move(how)),
      options_(std::move(options)),
      client_(scheduler, how_),
      said_farewell_(scheduler) {
    start(watch(), {.name = how_.name + ".watch", .daemon = true});
    start(keep_sessions(), {.name = how_.name + ".renew", .daemon = true});
}

LockdBackend::~LockdBackend() {
    Container::close();
}

std::string LockdBackend::obstacle() const {
    return client_.is_connected()
               ? ""
               : "lockd at " + client_.server().text() + " cannot be reached" +
                     (client_.obstacle().empty() ? "" : " (" + client_.obstacle() + ")") +
                     ": it is not known whether the lock is free";
}

// --- asking

std::unique_ptr<RemoteSlot> LockdBackend::ask(std::string_view context, const IndexValue& key,
                                              std::size_t size, bool only_tries, User& user) {
    auto slot = std::make_unique<Slot>(*this, lockd_context(context), lockd_key(key), size,
                                       only_tries, user);
    begin_to_ask(*slot);
    slots_.push_back(*slot);
    return slot;
}

void LockdBackend::begin_to_ask(Slot& slot) {
    slot.asking_ = start(get(slot), {.name = "lock.ask " + slot.key_, .daemon = true});
}

PendingReply LockdBackend::call(const char* function, const std::string& parameters,
                                Time deadline) {
    return client_.command(Command("CALL", "lock", function, parameters), deadline);
}

// The slot ends this routine when it is destroyed.
Task<> LockdBackend::get(Slot& slot) {
    std::exception_ptr error;
    bool unavailable = false;
    for (;;) {
        bool has_ended = false;
        try {
            has_ended = co_await attempt(slot);
        } catch (const ServerError& failure) {
            const std::string_view code = code_in(failure);
            const bool has_lost_session = code == "unknown_session" || code == "session_closed";
            if (has_lost_session && slot.session_ != nullptr) {
                slot.session_->slot = nullptr;
                end_session(std::exchange(slot.session_, nullptr));
            } else if (!has_lost_session && code != "timeout" && code != "lock_lost" &&
                       code != "in_use" && code != "rejected" && code != "unknown_module") {
                error = std::make_exception_ptr(LockError(failure.what()));
                break;
            }
        } catch (const Error&) {
            unavailable = slot.only_tries_;
        } catch (const std::bad_alloc&) {
            error = std::current_exception();
            break;
        }
        if (has_ended) {
            co_return;
        }
        if (unavailable) {
            error = std::make_exception_ptr(
                LockBackendUnavailable(slot.doing() + ": lockd has not answered"));
            break;
        }
        co_await sleep(retry_pause);
    }
    slot.asking_ = nullptr;
    slot.user_.slot_refused(slot, error);
}

// Returns false to be called again.
Task<bool> LockdBackend::attempt(Slot& slot) {
    co_await do_events();  // the user hears of nothing while it asks
    if (slot.session_ == nullptr) {
        Task<SessionHandle> taking = take_session(slot.deadline_);
        slot.session_ = co_await taking;
        slot.session_->slot = &slot;
        slot.is_taken_ = false;
        slot.is_in_line_ = false;
    }
    Task<std::optional<std::uint64_t>> trying = acquire(slot);
    std::optional<std::uint64_t> token = co_await trying;
    if (!token && slot.only_tries_) {
        slot.asking_ = nullptr;
        slot.user_.slot_not_free(slot);
        co_return true;
    }
    if (!token) {
        slot.is_taken_ = true;
        Task<std::optional<std::uint64_t>> waiting = wait_in_line(slot);
        token = co_await waiting;
    }
    if (!token) {
        co_return false;
    }
    granted(slot, *token);
    co_return true;
}

void LockdBackend::granted(Slot& slot, std::uint64_t token) {
    slot.asking_ = nullptr;
    slot.is_granted_ = true;
    slot.token_ = token;
    slot.user_.slot_granted(slot);
}

Task<LockdBackend::SessionHandle> LockdBackend::take_session(Time deadline) {
    for (const SessionHandle& session : sessions_) {
        if (session->is_idle && session->valid_until > now()) {
            session->is_idle = false;
            co_return session;
        }
    }
    const BootTime sent = now();
    const Json parameters{{"name", options_.owner},
                          {"time_to_live", config::duration_text(options_.lease)}};
    PendingReply opening = call("open_session", parameters.dump(), deadline);
    const Reply reply = co_await opening;
    const Json opened = Json::parse(reply.text, nullptr, false);
    if (!opened.is_object() || !opened.contains("session") || !opened["session"].is_string()) {
        throw ServerError("open_session", "ERR bad_result: this is no lockd");
    }
    auto session = std::make_shared<Session>();
    session->id = opened["session"].get<std::string>();
    session->valid_until = sent + certain();
    sessions_.push_back(session);
    co_return session;
}

// Takes the lock if no other process has to give it back first.
Task<std::optional<std::uint64_t>> LockdBackend::acquire(Slot& slot) {
    for (bool may_create = slot.has_slots();; may_create = false) {
        PendingReply trying = call("try", slot.parameters(true), slot.deadline_);
        bool has_no_semaphore = false;
        try {
            const Reply reply = co_await trying;
            co_return token_in(reply);
        } catch (const ServerError& error) {
            has_no_semaphore = code_in(error) == "no_semaphore";
            if (!has_no_semaphore || !may_create) {
                throw;
            }
        }
        co_await create_semaphore(slot);
    }
}

// Another process may make it at the same moment: the next try tells.
Task<> LockdBackend::create_semaphore(Slot& slot) {
    const Json parameters{{"context", slot.context_},
                          {"key", slot.key_},
                          {"size", slot.size_},
                          {"made_by", options_.owner}};
    PendingReply creating = call("create_semaphore", parameters.dump(), slot.deadline_);
    co_await creating;
}

// Waits for other processes, on a connection of its own.
Task<std::optional<std::uint64_t>> LockdBackend::wait_in_line(Slot& slot) {
    Client connection(scheduler(), for_waits(how_));
    PendingReply waiting =
        connection.command(Command("CALL", "lock", "acquire", slot.parameters(true)), Time::max());
    slot.is_in_line_ = true;
    try {
        const Reply reply = co_await waiting;
        slot.is_in_line_ = false;
        co_return token_in(reply);
    } catch (const ServerError&) {
        slot.is_in_line_ = false;
        throw;
    }
}

// --- giving back

void LockdBackend::EndFarewell::operator()(LockdBackend* backend) const noexcept {
    --backend->farewells_;
    backend->said_farewell_.signal(SocketEvent::Type::changed);
}

void LockdBackend::give_up(Slot& slot) noexcept {
    if (slot.asking_ != nullptr) {
        slot.asking_->close();
    }
    const SessionHandle session = std::exchange(slot.session_, nullptr);
    if (session == nullptr) {
        return;
    }
    session->slot = nullptr;
    if (std::ranges::find(sessions_, session) == sessions_.end()) {
        return;  // it was lost
    }
    if (slot.is_in_line_) {
        end_session(session);  // also ends the wait, whenever lockd hears of it
        return;
    }
    try {
        Json parameters{{"session", session->id}, {"context", slot.context_}, {"key", slot.key_}};
        start(release(say_farewell(), session, parameters.dump()),
              {.name = "lock.release", .daemon = true});
    } catch (const std::bad_alloc&) {
        std::erase(sessions_, session);  // it is not renewed any more, and expires
    }
}

// Behind a try of the same lock that may be under way: lockd executes them in this order.
Task<> LockdBackend::release(Farewell, SessionHandle session, std::string parameters) {
    bool is_released = false;
    try {
        PendingReply releasing = call("release", parameters, scheduler().now() + options_.lease);
        co_await releasing;
        is_released = true;
    } catch (const ServerError& error) {
        is_released = code_in(error) == "lock_lost";
    } catch (const Error&) {  // the session is lost, or ended below
    } catch (const std::bad_alloc&) {
    }
    // Counted now: other releases may have ended while this one was under way.
    const std::ptrdiff_t idle =
        std::ranges::count_if(sessions_, [](const auto& one) { return one->is_idle; });
    if (is_released && idle < most_idle) {
        session->is_idle = true;
    } else {
        end_session(session);
    }
}

// Forgets a session, and has lockd close it.
void LockdBackend::end_session(const SessionHandle& session) noexcept {
    if (std::erase(sessions_, session) == 0) {
        return;  // it was lost
    }
    session->valid_until = BootTime() + Duration(1);
    try {
        start(close_session(say_farewell(), session->id),
              {.name = "lock.close_session", .daemon = true});
    } catch (const std::bad_alloc&) {  // it expires
    }
}

// When lockd cannot be reached for the lease, the session has expired.
Task<> LockdBackend::close_session(Farewell, std::string id) {
    try {
        const Json parameters{{"session", id}};
        PendingReply closing = client_.command(
            Command("CALL", "lock", "close_session", parameters.dump()).safe_to_repeat(),
            scheduler().now() + options_.lease);
        co_await closing;
    } catch (const Error&) {  // it has ended already, or will
    } catch (const std::bad_alloc&) {
    }
}

Task<> LockdBackend::close() {
    for (const SessionHandle& session : std::vector<SessionHandle>(sessions_)) {
        if (session->is_idle) {
            end_session(session);
        }
    }
    const Time deadline = scheduler().now() + farewell;
    const MatcherOf<SocketEvent> changed = said_farewell_.matcher(SocketEvent::Type::changed);
    while (farewells_ != 0 && scheduler().now() < deadline) {
        said_farewell_.want(SocketEvent::Type::changed);
        co_await wait_with_timeout(deadline - scheduler().now(), changed);
    }
    for (const SessionHandle& session : std::vector<SessionHandle>(sessions_)) {
        end_session(session);
    }
}

// --- keeping, and losing

Task<> LockdBackend::keep_sessions() {
    for (;;) {
        try {
            co_await sleep(options_.lease / 4);
            co_await renew_all();
        } catch (const std::bad_alloc&) {  // the next time; what is not renewed is lost
        }
        co_await do_events();
    }
}

// All at once, and then reads the answers.
Task<> LockdBackend::renew_all() {
    struct Renewal {
        SessionHandle session;
        PendingReply reply;
    };
    const BootTime sent = now();
    const Time deadline = scheduler().now() + options_.lease / 4;
    std::vector<std::unique_ptr<Renewal>> renewals;
    renewals.reserve(sessions_.size());  // what is made below is not lost
    for (const SessionHandle& session : sessions_) {
        const Json parameters{{"session", session->id}};
        renewals.emplace_back(
            new Renewal{session, call("renew_session", parameters.dump(), deadline)});
    }
    for (const std::unique_ptr<Renewal>& renewal : renewals) {
        try {
            const Reply reply = co_await renewal->reply;
            if (std::ranges::find(sessions_, renewal->session) != sessions_.end()) {
                renewal->session->valid_until =
                    std::max(renewal->session->valid_until, sent + certain());
                learn(renewal->session, reply.text);
            }
        } catch (const ServerError&) {
            lose(renewal->session, expired);
        } catch (const Json::exception&) {
            lose(renewal->session, not_understood);
        } catch (const Error&) {  // the connection is lost, or lockd is slow: time tells
        }
    }
}

// Looks whether lockd has taken the lock of the session away. Throws Json::exception if the answer
// is not what a renewal returns.
void LockdBackend::learn(const SessionHandle& session, const std::string& answer) {
    const Json json = Json::parse(answer);
    if (session->slot == nullptr || !session->slot->is_granted_) {
        return;
    }
    for (const Json& lost : json.value("lost", Json::array())) {
        if (lost.value("token", std::uint64_t{0}) == session->slot->token_) {
            lose(session, lost.value("reason", expired));
            return;
        }
    }
}

Duration LockdBackend::until_first_end() const noexcept {
    Duration first = longest_look;
    for (const SessionHandle& session : sessions_) {
        first = std::min(first, session->valid_until - now());
    }
    return std::max(first, Duration::zero());
}

Task<> LockdBackend::watch() {
    const MatcherOf<ConnectionChanged> disconnected =
        match<ConnectionChanged>(client_.name(), ConnectionState::disconnected);
    for (;;) {
        try {
            const auto lost = co_await wait_with_timeout(until_first_end(), disconnected);
            if (lost) {
                lose_sessions(
                    "the connection to lockd is lost (" +
                    lost->event->as<ConnectionChanged>().reason +
                    "): it may have been restarted, and another process may hold the lock");
            }
        } catch (const std::bad_alloc&) {
            lose_sessions("out of memory");  // perhaps without need; short enough to need none
        }
        lose_those_that_ended();
        co_await do_events();
    }
}

void LockdBackend::lose_sessions(const std::string& reason) noexcept {
    while (!sessions_.empty()) {
        lose(SessionHandle(sessions_.back()), reason);
    }
}

void LockdBackend::lose_those_that_ended() noexcept {
    const auto has_ended = [this](const auto& session) { return session->valid_until <= now(); };
    for (auto ended = std::ranges::find_if(sessions_, has_ended); ended != sessions_.end();
         ended = std::ranges::find_if(sessions_, has_ended)) {
        lose(SessionHandle(*ended), unconfirmed);
    }
}

// A slot that is granted is lost; one that is asked for is asked for anew. lockd closes the session
// as soon as it can be reached, if it still knows it.
void LockdBackend::lose(const SessionHandle& session, const std::string& reason) noexcept {
    Slot* const slot = std::exchange(session->slot, nullptr);
    end_session(session);
    if (slot == nullptr) {
        return;
    }
    if (slot->is_granted_) {
        slot->user_.slot_lost(*slot, reason);
        return;
    }
    slot->asking_->close();
    slot->session_ = nullptr;
    try {
        begin_to_ask(*slot);
    } catch (const std::bad_alloc&) {
        slot->asking_ = nullptr;
        slot->user_.slot_refused(*slot, std::current_exception());
    }
}

}  // namespace weir::redis
