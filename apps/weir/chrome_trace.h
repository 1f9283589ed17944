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
// has recorded: a line for each routine with the times in which it ran, and for each queue with
// the events that came, and those that left while they were being processed; arrows from whoever
// sent an event to its queue and from there to whoever got it; how many are in each queue. A
// routine takes the line of one of its name that has ended.
class ChromeTrace {
public:
    // Adds a part, as manager.take_trace gives it, in their order. Throws nlohmann::json::exception
    // or std::out_of_range if it is not such.
    void add(const Json& part);
    // Writes all, in the order of time. `about` is an object for the reader, as which server it
    // was.
    void write(std::ostream& out, Json about);

private:
    using Record = Recorder::Record;
    using Kind = Recorder::Kind;

    enum class What : std::uint8_t {
        run,        // of a routine
        processed,  // an event that has left its queue
        queued,     // from here on, of an event at a moment
        blocked,
        unblocked,
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
    };
    // An event that is in a queue.
    struct Queued {
        std::uint32_t queue = 0;
        std::uint32_t sender = 0;  // the line of a routine; 0: none
        std::int64_t at = 0;
    };
    // The event that left its queue last.
    struct Popped {
        std::uint64_t event = 0;  // 0: none
        Entry entry{};            // up to now
    };

    void add(const Record& record);
    void popped(const Record& record);
    void ran(const Record& record);
    void end_processed();
    void size(std::uint32_t queue, std::int64_t at, std::int64_t size);
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
    std::uint64_t arrows_ = 0;
};

}  // namespace weir::app
