#include "apps/weir/trace_command.h"

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <csignal>
#include <cstdio>
#include <ctime>

#include <unistd.h>

#include "apps/weir/chrome_trace.h"
#include "apps/weir/exit_code.h"
#include "apps/weir/figures.h"
#include "apps/weir/output.h"
#include "apps/weir/remote_server.h"
#include "config/text/quoted.h"
#include "modules/system/call/json.h"

namespace weir::app {

namespace {

// Seconds between two questions to the server, which drops a recording about which no client asks.
constexpr double interval = 0.5;

// Blocks SIGINT and SIGTERM until it is destroyed, so that they can be waited for.
class SignalsHeldBack {
public:
    SignalsHeldBack() {
        sigemptyset(&signals_);
        sigaddset(&signals_, SIGINT);
        sigaddset(&signals_, SIGTERM);
        pthread_sigmask(SIG_BLOCK, &signals_, &before_);
    }
    SignalsHeldBack(const SignalsHeldBack&) = delete;
    SignalsHeldBack& operator=(const SignalsHeldBack&) = delete;
    ~SignalsHeldBack() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

    // Waits for one of the signals, at most so many seconds; returns whether one came.
    bool wait(double seconds) const {
        timespec time{};
        time.tv_sec = static_cast<time_t>(seconds);
        time.tv_nsec = static_cast<long>((seconds - std::floor(seconds)) * 1e9);
        int signal = 0;
        do {
            signal = sigtimedwait(&signals_, nullptr, &time);
        } while (signal < 0 && errno == EINTR);
        return signal > 0;
    }

private:
    sigset_t signals_{};
    sigset_t before_{};
};

// A line that is overwritten again and again, if standard error is a terminal; nothing otherwise.
class Progress {
public:
    Progress() = default;
    Progress(const Progress&) = delete;
    Progress& operator=(const Progress&) = delete;
    ~Progress() { show(""); }

    void show(const std::string& text) {
        if (on_terminal_) {
            std::fprintf(stderr, "\r\x1b[K%s", text.c_str());
        }
    }

private:
    const bool on_terminal_ = isatty(STDERR_FILENO) != 0;
};

// A recording of the server.
class RemoteRecording {
public:
    RemoteRecording(RemoteServer& server, const TraceCommand& trace) : server_(server) {
        const std::string time = std::to_string(std::llround(trace.seconds * 1000)) + "ms";
        status_ = call("start_trace", {{"time", time}, {"records", trace.records}});
        self_ = {{"trace", status_.at("trace")}};
    }

    bool running() const { return status_.at("running").get<bool>(); }
    std::uint64_t records() const { return status_.at("records").get<std::uint64_t>(); }
    void ask() { status_ = call("trace", self_); }
    Json take() { return call("take_trace", self_); }

private:
    Json call(const char* function, const Json& parameters) {
        return Json::parse(server_.call("manager", function, parameters.dump()));
    }

    RemoteServer& server_;
    Json self_;
    Json status_;
};

void wait_for_end(RemoteRecording& recording, const TraceCommand& trace, Progress& progress) {
    const SignalsHeldBack signals;
    for (double left = trace.seconds; recording.running(); left -= interval) {
        progress.show("recording, " + figure(std::max(std::ceil(left), 0.0)) + " s left, " +
                      figure(static_cast<double>(recording.records())) +
                      " records; Ctrl-C ends it");
        if (signals.wait(std::clamp(left, 0.01, interval))) {
            break;
        }
        recording.ask();
    }
}

// Returns the last part, which has the figures of the whole recording.
Json take_all(RemoteRecording& recording, ChromeTrace& chrome, Progress& progress) {
    for (;;) {
        Json part = recording.take();
        chrome.add(part);
        if (part.at("left") == 0) {
            return part;
        }
        progress.show("fetching the records, " + part.at("left").dump() + " left");
    }
}

void write(ChromeTrace& chrome, const TraceCommand& trace, Json about) {
    OutputFile out(trace.output);
    chrome.write(out.stream(), std::move(about));
    out.close();
}

void run(const TraceCommand& trace) {
    RemoteServer server(trace.server);
    OutputFile::require_writable(trace.output);
    Progress progress;
    RemoteRecording recording(server, trace);
    wait_for_end(recording, trace, progress);
    ChromeTrace chrome;
    const Json last = take_all(recording, chrome, progress);
    progress.show("writing");
    const double seconds = last.at("length").get<double>() / 1e9;
    const auto dropped = last.at("dropped").get<std::uint64_t>();
    write(chrome, trace,
          {{"server", trace.server.address}, {"seconds", seconds}, {"dropped_records", dropped}});
    progress.show("");
    std::fprintf(stderr, "recorded %s; ui.perfetto.dev or chrome://tracing opens %s\n",
                 duration_text(seconds).c_str(), trace.output == "-" ? "it" : trace.output.c_str());
    if (dropped != 0) {
        std::fprintf(stderr,
                     "%llu records were dropped, for there was room for %u; --records gives more\n",
                     static_cast<unsigned long long>(dropped), trace.records);
    }
}

}  // namespace

int run_trace_command(const TraceCommand& trace) {
    try {
        run(trace);
        return success;
    } catch (const std::exception& error) {
        std::fprintf(stderr, "weir trace: %s\n", config::printable(error.what(), 2000).c_str());
        return failure;
    }
}

}  // namespace weir::app
