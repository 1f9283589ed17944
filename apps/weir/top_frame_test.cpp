#include "apps/weir/top_frame.h"

#include <algorithm>

#include <catch2/catch.hpp>

#include "config/text/utf8.h"
#include "modules/system/call/json.h"
#include "tests/support/approved_text.h"

namespace weir::app {

namespace {

Json queue(const char* name, int priority, int size, int popped) {
    return {{"name", name},
            {"matcher", "shop.Order()"},
            {"module", ""},
            {"priority", priority},
            {"size", size},
            {"max_total", nullptr},
            {"max_default", nullptr},
            {"blocked", 0},
            {"popped", popped},
            {"waiting_senders", 0},
            {"subqueues", Json::array()}};
}

Json root(int popped) {
    Json result = queue("", 0, 12, 1000 + 3 * popped);
    Json orders = queue("orders", 500, 10, 2 * popped);
    orders["max_default"] = 10;
    orders["blocked"] = 1;
    orders["module"] = "shop";
    orders["waiting_senders"] = 1;
    Json inner = queue("", 100, 3, popped);
    orders["subqueues"] = {inner};
    result["subqueues"] = {queue("timer", 900, 2, popped), orders};
    return result;
}

Json module(const char* name, int routines) {
    return {{"name", name}, {"state", "succeeded"}, {"reason", "asked for"}, {"seconds", 3700},
            {"calls", 1},   {"routines", routines}, {"timers", 1},           {"queued", 12},
            {"blocked", 1}, {"memory", 2048},       {"library", 123456}};
}

Json routine(const char* name, const char* waits_for) {
    return {{"name", name},     {"started_at", "shop.cpp:7"},
            {"module", "shop"}, {"state", "waiting"},
            {"timers", 0},      {"memory", 320},
            {"seconds", 2.5},   {"waits_for", waits_for}};
}

Json lock(const char* key, int waiters) {
    Json waiting = Json::array();
    for (int i = 0; i != waiters; ++i) {
        waiting.push_back({{"owner", "client 2"}, {"seconds", 12 - i}});
    }
    return {{"key", key},
            {"context", "default"},
            {"size", 1},
            {"holding", 1},
            {"holders", {{{"owner", "client 1 'backup'"}, {"seconds", 70}}}},
            {"waiting", waiters},
            {"waiters", waiting}};
}

Json rule(const char* name, int runs, int waiting) {
    return {{"name", name}, {"on", "shop.Order"}, {"state", "works"}, {"events", runs},
            {"runs", runs}, {"failed", 2},        {"retries", 5},     {"dropped", 0},
            {"running", 1}, {"waiting", waiting}};
}

// The server some seconds after its start.
Json inspection(int seconds) {
    return {{"process", 4711},
            {"time", 1000 + seconds},
            {"quitting", false},
            {"memory", {{"resident", 12'500'000}, {"heap", 2'500'000}}},
            {"counts",
             {{"routines", 3},
              {"timers", 2},
              {"queued", 12},
              {"blocked", 1},
              {"popped", 1000 + 300 * seconds}}},
            {"lock_statistics", {{"acquired", 50 * seconds}, {"holding", 2}, {"waiting", 3}}},
            {"modules", {module("shop", 2), module("manager", 1)}},
            {"queue", root(100 * seconds)},
            {"routines",
             {routine("buyer", "weir.QueueCanWriteEvent(any)"), routine("", "shop.Order()"),
              routine("a\x1b[31m", "shop.Order(\"ann\")")}},
            {"locks", {lock("few", 1), lock("many", 2)}},
            {"rules", {rule("reserve", 40 * seconds, 0), rule("pay", 5, 7)}}};
}

std::string text(const TopFrame& frame) {
    std::string result;
    for (const std::string& line : frame.lines) {
        result += line + '\n';
    }
    return result;
}

std::string frame_text(TopState& state, std::size_t width = 0, std::size_t height = 0) {
    return text(top_frame("host:1", inspection(1), inspection(3), state, width, height));
}

}  // namespace

TEST_CASE("top: each view of a server, as approved") {
    std::string all;
    for (std::size_t view = 0; view != top_view_names.size(); ++view) {
        TopState state{.view = static_cast<TopView>(view)};
        all += "=== " + std::string(top_view_names[view]) + "\n" + frame_text(state);
    }
    config::testing::check_approved("top", all, "apps/weir/testdata");
}

TEST_CASE("top: at the first look, and after a restart of the server, there are no rates") {
    TopState state;
    const std::string first = text(top_frame("host:1", nullptr, inspection(3), state));
    CHECK_THAT(first, Catch::Contains("events: -/s") && Catch::Contains("locks: -/s"));
    Json other = inspection(1);
    other["process"] = 1;
    CHECK(text(top_frame("host:1", other, inspection(3), state)) == first);
    // Counters that have begun anew are no rates either, nor those of queues that are new.
    CHECK(text(top_frame("host:1", inspection(9), inspection(9), state)).find("NaN") ==
          std::string::npos);
    Json without = inspection(1);
    without["queue"]["subqueues"].erase(1);
    const std::string with_new = text(top_frame("host:1", without, inspection(3), state));
    CHECK_THAT(with_new, Catch::Matches(R"([^]*\nroot/timer +100 [^]*)"));
    CHECK_THAT(with_new, Catch::Matches(R"([^]*\nroot/orders +- [^]*)"));
}

TEST_CASE("top: rows are sorted by the chosen column, either way") {
    TopState state;
    const auto place = [&](const char* name) { return frame_text(state).find(name); };
    state.order() = {.column = 0};
    CHECK(place("\nroot/orders ") < place("\nroot/timer "));
    state.order() = {.column = 0, .reversed = true};
    CHECK(place("\nroot/orders ") > place("\nroot/timer "));
    state.order() = {.column = 7};
    CHECK(place("\nroot/timer ") < place("\nroot/orders "));
    state.order() = {.column = 99};
    CHECK_THAT(frame_text(state), Catch::Contains("MODULE*"));
    CHECK(state.order().column == 8);
}

TEST_CASE("top: a frame has no more lines and characters than the terminal has room for") {
    TopState state;
    const std::size_t whole = top_frame("host:1", {}, inspection(3), state).lines.size();
    CHECK(whole == 9);
    for (const std::size_t height : {1U, 4U, 5U, 6U, 8U, 20U}) {
        for (const std::size_t width : {1U, 10U, 200U}) {
            const TopFrame frame = top_frame("host:1", {}, inspection(3), state, width, height);
            CHECK(frame.lines.size() == std::min<std::size_t>(whole, height));
            CHECK(frame.rows == 4);
            for (const std::string& line : frame.lines) {
                CHECK(config::utf8_count(line) <= width);
            }
        }
    }
}

TEST_CASE("top: scrolling shows later rows, and ends at the last") {
    TopState state;
    state.order() = {.column = 0};
    state.scrolled = 1;
    const std::string scrolled = frame_text(state, 0, 6);
    CHECK_THAT(scrolled, Catch::Contains("\nroot/orders ") && !Catch::Contains("\nroot "));
    state.scrolled = 1000;
    CHECK_THAT(frame_text(state, 0, 6), Catch::Contains("\nroot/timer "));
    CHECK(state.scrolled == 3);
    frame_text(state, 0, 20);
    CHECK(state.scrolled == 0);
}

TEST_CASE("top: nothing of a server's texts acts on the terminal") {
    TopState state{.view = TopView::routines};
    CHECK(frame_text(state).find('\x1b') == std::string::npos);
}

TEST_CASE("top: a list that the server has cut short is marked, and its figures count all") {
    TopState state{.view = TopView::locks};
    CHECK_THAT(frame_text(state), !Catch::Contains("not all listed"));
    Json now = inspection(3);
    now["locks_left_out"] = true;
    now["locks"][1]["waiters"].erase(1);
    const std::string locks = text(top_frame("host:1", {}, now, state));
    CHECK_THAT(locks, Catch::Contains(" 2 held, 3 waited for (not all listed)\n") &&
                          Catch::Matches(R"([^]*\nmany +default +1 +1 +2 [^]*)"));
    state.view = TopView::routines;
    now["counts"]["routines"] = 4000;
    CHECK_THAT(text(top_frame("host:1", {}, now, state)),
               Catch::Contains("routines: 4000 (not all listed)"));
}

TEST_CASE("top: a view asks for no more than it shows") {
    const Json queues{{"queues", true}, {"routines", false}, {"locks", false}};
    CHECK(top_parameters(TopView::queues) == queues);
    const Json nothing{{"queues", false}, {"routines", false}, {"locks", false}};
    CHECK(top_parameters(TopView::modules) == nothing);
}

}  // namespace weir::app
