#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "core/base/clock.h"
#include "core/base/ref.h"
#include "modules/lock/session.h"
#include "modules/resp/input_event.h"
#include "modules/resp/parser.h"
#include "modules/resp/writer.h"

namespace weir::resp {

// A client as one version of the plugin hands it to another, between two of its requests. Part of
// the state of RespModule, whose version stands for the layout of this too.
struct HandedSession {
    Connection* connection = nullptr;
    std::uint64_t id = 0;
    Ref<SessionLife> life;
    RequestParser parser;  // may be within a request
    ReplyWriter reply;
    std::string name;
    std::unique_ptr<LockSession> locks;
    Time connected_at{};
    Time last_request_at{};
    std::string last_command;  // empty: there was none
    bool authenticated = false;
    bool input_ended = false;
    std::string bytes;  // that were received and have not been looked at
    bool end = false;   // nothing comes after them
};

// What takes clients over.
class SessionTaker {
public:
    virtual void take(HandedSession session) = 0;

protected:
    ~SessionTaker() = default;
};

// What all versions that run at a time share: who the newest of them is, which takes the clients of
// the others, and what is counted for all.
struct RespSeat : RefCounted<RespSeat> {
    SessionTaker* newest = nullptr;
    Time started_at{};
    std::size_t clients = 0;
    std::uint64_t connections = 0;
    std::uint64_t refused = 0;
    std::uint64_t commands = 0;
};

}  // namespace weir::resp
