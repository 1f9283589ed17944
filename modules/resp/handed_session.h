#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/base/clock.h"
#include "core/base/ref.h"
#include "modules/lock/session.h"
#include "modules/resp/input_event.h"
#include "modules/resp/parser.h"
#include "modules/resp/transaction.h"
#include "modules/resp/watches.h"
#include "modules/resp/writer.h"
#include "modules/system/call/caller.h"
#include "modules/system/net/from_address.h"

namespace weir::resp {

// What a client wants to be answered; see CLIENT REPLY.
enum class ReplyMode { on, off, skip_next };

// A client as one version of the plugin hands it to another, between two of its requests. Part of
// the state of RespModule (RespState), whose version stands for the layout of this too.
struct HandedSession {
    Connection* connection = nullptr;
    std::uint64_t id = 0;
    Ref<SessionLife> life;
    RequestParser parser;  // may be within a request
    ReplyWriter reply;
    std::string name;
    std::unique_ptr<LockSession> locks;
    std::vector<LostLock> losses;  // that the client was not told of yet
    Time connected_at{};
    Time last_request_at{};
    std::string last_command;  // empty: there was none
    Ref<Caller> caller;
    bool input_ended = false;
    std::optional<Transaction> transaction;
    ReplyMode reply_mode = ReplyMode::on;
    std::vector<NamedWatch> watches;
    std::string bytes;  // that were received and not parsed
    bool end = false;   // nothing comes after them
};

// Takes clients over: the newest version of the plugin.
class SessionTaker {
public:
    virtual void take(HandedSession session) = 0;

protected:
    ~SessionTaker() = default;
};

// Shared by all versions of the plugin that run at a time: the newest of them, which takes the
// clients of the older ones, and the counters of all.
struct RespSeat : RefCounted<RespSeat> {
    SessionTaker* newest = nullptr;
    Time started_at{};
    std::size_t clients = 0;
    FromAddress::Counts by_address;  // of the clients that connect from one
    std::uint64_t connections = 0;
    std::uint64_t refused = 0;
    std::uint64_t commands = 0;
};

}  // namespace weir::resp
