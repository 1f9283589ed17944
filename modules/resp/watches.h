#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/ref.h"
#include "core/run/routine.h"
#include "core/run/task.h"
#include "modules/system/event/event_watch.h"

namespace weir::resp {

class Session;

// A watch of a client, under the name that the client gave it.
struct NamedWatch {
    std::string name;  // "shop.Order customer=ann"
    std::unique_ptr<EventWatch> watch;
};

// A transaction of the client has ended: messages may be sent again.
struct TransactionEnded : Event {
    Index<const Session*> session;

    static auto declare() {
        return declare_event<TransactionEnded>("weir.resp.TransactionEnded")
            .index("session", &TransactionEnded::session);
    }
};

// The events that a client watches. A routine for each watch sends them, each as a message of three
// parts: "message", the name of the watch, and JSON. In version 3 of the protocol it is a push. As
// long as the client does not read, the routine waits, and the watch fills up.
class Watches {
public:
    explicit Watches(Session& session) noexcept : session_(session) {}
    ~Watches() { clear(); }
    Watches(const Watches&) = delete;
    Watches& operator=(const Watches&) = delete;

    bool empty() const noexcept { return all_.empty(); }
    std::size_t size() const noexcept { return all_.size(); }
    // Returns the size of the names of all.
    std::size_t bytes() const noexcept;
    bool has(std::string_view name) const noexcept;

    // Sends the events of the watch from now on. Requires that there is none of the name.
    void add(NamedWatch watch);
    // Returns whether there was one of the name.
    bool remove(std::string_view name) noexcept;
    void clear() noexcept;

    // Ends the routines, and returns the watches, for the next version of the plugin.
    std::vector<NamedWatch> take();
    void add_all(std::vector<NamedWatch> watches);

private:
    struct Sending {
        NamedWatch watch;
        Ref<Routine> routine;
    };

    static Task<> send_events(Session& session, std::string name, EventWatch& watch);

    Session& session_;
    std::vector<std::unique_ptr<Sending>> all_;
};

}  // namespace weir::resp
