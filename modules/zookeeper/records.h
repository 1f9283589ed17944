#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "modules/zookeeper/code.h"

// The messages of ZooKeeper's protocol as records, see wire.h. Names and numbers are the
// protocol's.
namespace weir::zookeeper {

enum class OpCode : std::int32_t {
    create = 1,
    remove = 2,
    exists = 3,
    get_data = 4,
    set_data = 5,
    sync = 9,
    get_children = 12,  // with the Stat of the parent: getChildren2
    check = 13,
    multi = 14,
    create2 = 15,  // answers the Stat too
    create_container = 19,
    auth = 100,
    set_watches = 101,
    sasl = 102,
    close_session = -11,
    error = -1,  // in the answer to a transaction
};

// Numbers of messages that are not counted.
enum class Xid : std::int32_t {
    login = 0,
    notification = -1,
    ping = -2,
    auth = -4,
    set_watches = -8,
};

// What is known of a node beside its data. Times are milliseconds since 1970.
struct Stat {
    std::int64_t czxid = 0;  // the transaction that has made it: grows with each, for all nodes
    std::int64_t mzxid = 0;  // the one that has changed its data last
    std::int64_t ctime = 0;
    std::int64_t mtime = 0;
    std::int32_t version = 0;          // how often its data was changed
    std::int32_t cversion = 0;         // how often its children were
    std::int32_t aversion = 0;         // how often its access list was
    std::int64_t ephemeral_owner = 0;  // the session whose end deletes it; 0: none
    std::int32_t data_length = 0;
    std::int32_t children = 0;
    std::int64_t pzxid = 0;  // the transaction that has changed its children last

    template <class Self, class Wire>
    static void fields(Self& self, Wire& wire) {
        wire(self.czxid, self.mzxid, self.ctime, self.mtime, self.version, self.cversion,
             self.aversion, self.ephemeral_owner, self.data_length, self.children, self.pzxid);
    }
    bool operator==(const Stat&) const = default;
};

// An entry of a node's access list.
struct Acl {
    static constexpr std::int32_t all = 31;  // read, write, create, delete, admin: bits 0 to 4

    std::int32_t permissions = all;
    std::string scheme = "world";
    std::string id = "anyone";

    template <class Self, class Wire>
    static void fields(Self& self, Wire& wire) {
        wire(self.permissions, self.scheme, self.id);
    }
    bool operator==(const Acl&) const = default;
};

// --- the begin of a connection

struct ConnectRequest {
    std::int32_t protocol_version = 0;
    std::int64_t last_zxid = 0;  // a server that knows less refuses the connection
    std::int32_t timeout = 0;    // milliseconds
    std::int64_t session = 0;    // 0: a new one
    std::string password;
    bool read_only = false;

    template <class Self, class Wire>
    static void fields(Self& self, Wire& wire) {
        wire(self.protocol_version, self.last_zxid, self.timeout, self.session, self.password,
             self.read_only);
    }
};

struct ConnectReply {
    std::int32_t protocol_version = 0;
    std::int32_t timeout = 0;  // milliseconds; 0: the session has expired
    std::int64_t session = 0;
    std::string password;

    // A boolean may follow, "read only": old servers do not send it.
    template <class Self, class Wire>
    static void fields(Self& self, Wire& wire) {
        wire(self.protocol_version, self.timeout, self.session, self.password);
    }
};

// --- heads

struct RequestHeader {
    std::int32_t xid = 0;
    OpCode operation = OpCode::error;

    template <class Self, class Wire>
    static void fields(Self& self, Wire& wire) {
        wire(self.xid, self.operation);
    }
};

struct ReplyHeader {
    std::int32_t xid = 0;
    std::int64_t zxid = 0;
    Code code = Code::ok;

    template <class Self, class Wire>
    static void fields(Self& self, Wire& wire) {
        wire(self.xid, self.zxid, self.code);
    }
};

// --- requests

struct CreateRequest {
    std::string path;
    std::string data;
    std::vector<Acl> acl;
    std::int32_t mode = 0;

    template <class Self, class Wire>
    static void fields(Self& self, Wire& wire) {
        wire(self.path, self.data, self.acl, self.mode);
    }
};

// Delete, and check.
struct VersionRequest {
    std::string path;
    std::int32_t version = -1;

    template <class Self, class Wire>
    static void fields(Self& self, Wire& wire) {
        wire(self.path, self.version);
    }
};

struct SetDataRequest {
    std::string path;
    std::string data;
    std::int32_t version = -1;

    template <class Self, class Wire>
    static void fields(Self& self, Wire& wire) {
        wire(self.path, self.data, self.version);
    }
};

// Exists, get_data and get_children.
struct ReadRequest {
    std::string path;
    bool watch = false;

    template <class Self, class Wire>
    static void fields(Self& self, Wire& wire) {
        wire(self.path, self.watch);
    }
};

// Sync, and its answer.
struct PathRecord {
    std::string path;

    template <class Self, class Wire>
    static void fields(Self& self, Wire& wire) {
        wire(self.path);
    }
};

struct SetWatchesRequest {
    std::int64_t last_zxid = 0;  // what has changed since then fires at once
    std::vector<std::string> data;
    std::vector<std::string> existence;
    std::vector<std::string> children;

    template <class Self, class Wire>
    static void fields(Self& self, Wire& wire) {
        wire(self.last_zxid, self.data, self.existence, self.children);
    }
};

struct AuthRequest {
    std::int32_t type = 0;
    std::string scheme;
    std::string credentials;

    template <class Self, class Wire>
    static void fields(Self& self, Wire& wire) {
        wire(self.type, self.scheme, self.credentials);
    }
};

// Stands before each operation of a transaction, and before each of its results.
struct MultiHeader {
    OpCode operation = OpCode::error;
    bool done = false;  // there are no more
    Code code = Code::ok;

    template <class Self, class Wire>
    static void fields(Self& self, Wire& wire) {
        wire(self.operation, self.done, self.code);
    }
    static MultiHeader end() { return {OpCode::error, true, Code::system_error}; }
};

// --- answers

struct CreateReply {
    std::string path;
    Stat stat;

    template <class Self, class Wire>
    static void fields(Self& self, Wire& wire) {
        wire(self.path, self.stat);
    }
};

struct DataReply {
    std::string data;
    Stat stat;

    template <class Self, class Wire>
    static void fields(Self& self, Wire& wire) {
        wire(self.data, self.stat);
    }
};

struct ChildrenReply {
    std::vector<std::string> children;
    Stat stat;

    template <class Self, class Wire>
    static void fields(Self& self, Wire& wire) {
        wire(self.children, self.stat);
    }
};

enum class WatchedChange : std::int32_t {
    none = -1,
    created = 1,
    deleted = 2,
    data = 3,
    children = 4
};

struct Notification {
    WatchedChange change = WatchedChange::none;
    std::int32_t state = 0;
    std::string path;

    template <class Self, class Wire>
    static void fields(Self& self, Wire& wire) {
        wire(self.change, self.state, self.path);
    }
};

}  // namespace weir::zookeeper
