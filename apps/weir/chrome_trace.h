#pragma once

#include <cstdint>
#include <iosfwd>
#include <map>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/observe/recorder.h"
#include "modules/system/call/json.h"

namespace weir::app {

// Makes a trace that Perfetto and chrome://tracing open, in Chrome's JSON form, of what a server
// has recorded. It has a line for each routine, with the times in which it ran, and one for each
// queue, with the events that came, those that left while they were processed, and its size. What
// an event says is an argument of its entries. Arrows
// lead from the sender of an event to its queue, and from there to each receiver. A routine takes
// the line of an ended routine of the same name.
class ChromeTrace {
public:
    // Adds a part as manager.take_trace returns it; the parts must come in order. Throws
    // nlohmann::json::exception or std::out_of_range if it is anything else.
    void add(const Json& part);
    // Writes all parts, in the order of time. `about` is a JSON object for readers of the trace:
    // the address of the server, and the like.
    void write(std::ostream& out, Json about);

private:
    using Record = Recorder::Record;
    using Kind = Recorder::Kind;

    enum class What : std::uint8_t {
        run,        // of a routine
        processed,  // an event that has left its queue
        queued,     // from here on: what happens to an event at a moment
        blocked,
        unblocked,
        withdrawn,
        refused,
        handled,
        size,        // of a queue
        arrow_from,  // a routine; `number` is the arrow's
        arrow_into,  // a queue
        arrow_out,   // of a queue
        arrow_to,    // a routine
    };
    struct Entry {
        What what;
        std::uint32_t line = 0;
        std::uint32_t text = 0;
        std::int64_t at = 0;
        std::int64_t amount = 0;
        std::uint64_t number = 0;
        std::uint32_t content = 0;  // what the event says; 0: unknown
    };
    // An event that is in a queue now.
    struct Queued {
        std::uint32_t queue = 0;
        std::uint32_t sender = 0;  // the line of a routine; 0: none
        std::int64_t at = 0;
        std::uint32_t content = 0;
    };
    // The event that left its queue last, and is being processed.
    struct Popped {
        std::uint64_t event = 0;  // 0: none
        Entry entry{};            // up to now
    };

    void add(const Record& record);
    void popped(const Record& record);
    void withdrawn(const Record& record);
    void left_queue(std::uint32_t queue, std::int64_t at);
    void ran(const Record& record);
    void end_processed();
    void size(std::uint32_t queue, std::int64_t at, std::int64_t size);
    std::uint32_t content_of(std::uint64_t event) const;
    std::uint32_t take_content(std::uint64_t event);
    std::uint32_t line_of(std::uint32_t routine) const;
    std::set<std::uint64_t> loose_arrows() const;
    void write_lines(std::ostream& out) const;
    void write_entry(std::ostream& out, const Entry& entry) const;

    std::vector<std::string> texts_;
    std::vector<Entry> entries_;
    std::vector<std::uint32_t> lines_;                                // of routines: their names
    std::unordered_map<std::uint32_t, std::uint32_t> line_;           // of a routine
    std::map<std::uint32_t, std::vector<std::uint32_t>> free_lines_;  // by name
    std::map<std::uint32_t, std::uint32_t> queues_;                   // their names
    std::map<std::uint32_t, std::int64_t> sizes_;
    std::unordered_map<std::uint64_t, Queued> queued_;
    Popped popped_;
    Record content_{};  // of the event that the next record is about
    std::uint64_t arrows_ = 0;
};

}  // namespace weir::app
