// A program on the core, without modules: a print server. Clients send lines, and a printer prints
// them one after the other; those that begin with "rush " go first. SIGTERM ends it.

#include <cstdio>
#include <string>

#include <weir/core.h>

#include "core/net/stream_server.h"

using namespace std::chrono_literals;

// A page to print. It waits in its queue until the printer takes it.
struct Page : weir::Event {
    weir::Index<std::string> pace;  // "rush" or "usual"
    std::string text;

    static auto declare() {
        return weir::declare_event<Page>("extend.Page").index("pace", &Page::pace).blocking();
    }
};

static void say(const std::string& line) {
    std::puts(line.c_str());
    std::fflush(stdout);
}

// A routine for each client. It reads on when there is room for the page: clients that send too
// much wait.
static weir::Task<> serve(weir::StreamClient& client) {
    while (const auto line = co_await client->read_line(1024)) {
        const std::string text(*line);
        const std::string pace = text.starts_with("rush ") ? "rush" : "usual";
        co_await weir::send(weir::make_event<Page>(pace, text));
        co_await client->write("queued " + text + "\n");
    }
}

// Waits for any of two kinds of pages, and learns which it is.
static weir::Task<> print(int& printed) {
    const weir::MatcherOf<Page> rush = weir::match<Page>("rush");
    const weir::MatcherOf<Page> usual = weir::match<Page>("usual");
    for (;;) {
        const weir::Matched page = co_await weir::any_of(rush, usual);
        page.event->set_ignorable();  // processed: no longer blocks its queue
        say((page.which == 0 ? "at once: " : "in turn: ") + page.event->as<Page>().text);
        ++printed;
        co_await weir::sleep(100ms);
    }
}

int main(int count, char** arguments) {
    if (count != 2) {
        std::fputs("usage: print_server ADDRESS, as unix:/tmp/printer\n", stderr);
        return 2;
    }
    weir::UvPoller world;
    weir::Scheduler scheduler(world, {.queue = weir::standard_root()});
    weir::add_standard_queues(scheduler.queue());
    // The queue of the higher priority goes first.
    scheduler.queue().add("rush", 310, weir::match<Page>("rush").make(), {.max_default = 10});
    scheduler.queue().add("usual", 300, weir::match<Page>("usual").make(), {.max_default = 10});
    const weir::QuitOnSignals quit_on_signals(world, scheduler);
    int printed = 0;
    weir::StreamServer server(scheduler, arguments[1], serve);
    server.start();
    weir::Container container(scheduler);
    container.start(print(printed), {.name = "printer"});
    scheduler.run();  // until SIGTERM: each routine ends at its wait, and the socket is closed
    say("printed " + std::to_string(printed) + " pages");
    return 0;
}
