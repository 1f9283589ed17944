#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "config/settings/settings.h"
#include "core/observe/recorder.h"
#include "modules/system/call/caller.h"
#include "modules/system/call/json.h"

namespace weir {

struct StartTraceParameters {
    std::chrono::milliseconds time{10'000};
    std::uint32_t records = 500'000;
    bool contents = true;

    static config::Settings<StartTraceParameters> describe();
};

struct TraceParameters {
    std::string trace;

    static config::Settings<TraceParameters> describe();
};

struct TraceStatus {
    std::string trace;
    bool running = true;
    std::chrono::milliseconds left{};
    std::int64_t records = 0;
    std::int64_t dropped = 0;

    static config::Settings<TraceStatus> describe();
};

// A recording of what a scheduler does, for a client: it ends after its time, and is dropped when
// no client asks about it for a while.
class Recording {
public:
    // The client that wanted it counts as gone when it has not asked for so long.
    static constexpr Duration patience = std::chrono::seconds(10);

    // Begins to record, with the contents of events that the client may see. Throws
    // std::logic_error if the scheduler has a tracer.
    Recording(Scheduler& scheduler, std::string id, const StartTraceParameters& parameters,
              const Caller& client);

    const std::string& id() const noexcept { return id_; }
    // Notes that a client asks about it.
    void asked() noexcept;
    TraceStatus status() const;
    void stop() noexcept { recorder_.stop(); }
    // Stops when its time expires. Returns when to look again; nothing if it must be dropped.
    std::optional<Duration> look();

    // Takes records out, as many as delay the loop for some milliseconds only. An object:
    //   length   nanoseconds that were recorded
    //   texts    those that are new and needed so far; the first of all is number 0
    //   records  7 numbers for each: kind, at, amount, event, routine, queue, text; see
    //            Recorder::Record
    //   left     how many are left
    //   dropped  how many were dropped because it was full
    Json take();
    bool empty() const noexcept { return recorder_.records().empty(); }

private:
    Duration left() const noexcept;

    Scheduler& scheduler_;
    const std::string id_;
    const Time ends_;
    Time asked_;
    Recorder recorder_;
    std::size_t texts_taken_ = 0;
};

}  // namespace weir
