#include "apps/weir/chrome_trace.h"

#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "modules/system/call/json.h"
#include "tests/support/approved_text.h"

namespace weir::app {

namespace {

using Kind = Recorder::Kind;

// A part as manager.take_trace gives it.
class Part {
public:
    explicit Part(std::vector<std::string> texts) : json_{{"texts", texts}, {"records", {}}} {
        json_["records"] = Json::array();
    }

    Part& add(const Recorder::Record& record) {
        for (const std::int64_t number :
             {static_cast<std::int64_t>(record.kind), record.at, record.amount,
              static_cast<std::int64_t>(record.event), std::int64_t{record.routine},
              std::int64_t{record.queue}, std::int64_t{record.text}}) {
            json_["records"].push_back(number);
        }
        return *this;
    }
    const Json& json() const { return json_; }

private:
    Json json_;
};

std::string written(ChromeTrace& trace) {
    std::ostringstream out;
    trace.write(out, {{"server", "host:1"}});
    return out.str();
}

enum Text : std::uint32_t { none, orders, waiter, cook, order, timer, said };

// A waiter sends an order into a queue, which a cook takes after a timer.
std::string kitchen() {
    Part part(
        {"", "root/orders", "waiter", "cook", "shop.Order", "weir.TimerEvent", R"({"number":3})"});
    part.add({.kind = Kind::queue, .queue = 1, .text = orders, .amount = 2})
        .add({.kind = Kind::routine, .routine = 1, .text = waiter, .at = 1000})
        .add({.kind = Kind::refused, .routine = 1, .text = order, .at = 1200, .event = 9})
        .add({.kind = Kind::content, .text = said, .at = 1500, .event = 7})
        .add({.kind = Kind::queued,
              .routine = 1,
              .queue = 1,
              .text = order,
              .at = 1500,
              .amount = 3,
              .event = 7})
        .add({.kind = Kind::ran, .routine = 1, .at = 1000, .amount = 1000})
        .add({.kind = Kind::ended, .routine = 1, .at = 2000})
        .add({.kind = Kind::popped, .text = order, .at = 5000, .event = 7})
        .add(
            {.kind = Kind::blocked, .queue = 1, .text = order, .at = 5100, .amount = 3, .event = 7})
        .add({.kind = Kind::popped, .text = timer, .at = 8000, .event = 8})
        .add({.kind = Kind::routine, .routine = 2, .text = cook, .at = 8100})
        .add({.kind = Kind::unblocked, .text = order, .at = 8200, .event = 7})
        .add(
            {.kind = Kind::ran, .routine = 2, .text = timer, .at = 8100, .amount = 500, .event = 8})
        .add({.kind = Kind::popped, .text = order, .at = 9000, .event = 7})
        .add({.kind = Kind::handled, .text = order, .at = 9050, .event = 7})
        .add({.kind = Kind::ran,
              .routine = 2,
              .text = order,
              .at = 9100,
              .amount = 12345,
              .event = 7});
    ChromeTrace trace;
    trace.add(part.json());
    // A later waiter takes the line of the first; two at a time have lines of their own.
    Part later({"\x1b\xff"});
    later.add({.kind = Kind::routine, .routine = 3, .text = waiter, .at = 30000})
        .add({.kind = Kind::ran, .routine = 3, .at = 30000, .amount = 10})
        .add({.kind = Kind::routine, .routine = 4, .text = waiter, .at = 31000})
        .add({.kind = Kind::ran, .routine = 4, .at = 31000, .amount = 10});
    trace.add(later.json());
    return written(trace);
}

}  // namespace

TEST_CASE("trace: routines and queues become lines of a trace, as approved") {
    const std::string text = kitchen();
    config::testing::check_approved("trace", text, "apps/weir/testdata");
    CHECK(Json::parse(text).at("otherData").at("server") == "host:1");
}

TEST_CASE("trace: an empty recording is a trace too") {
    ChromeTrace trace;
    trace.add(Part({""}).json());
    CHECK(Json::parse(written(trace)).at("traceEvents").size() == 4);
}

TEST_CASE("trace: what is no recording is refused") {
    ChromeTrace trace;
    CHECK_THROWS_AS(trace.add(Json::object()), Json::exception);
    Json broken = Part({""}).json();
    broken["records"] = {1, 2, 3};
    CHECK_THROWS_AS(trace.add(broken), std::out_of_range);
    CHECK_THROWS_AS(trace.add(Part({}).add({.kind = Kind::popped, .text = 5}).json()),
                    std::out_of_range);
    CHECK_THROWS_AS(
        trace.add(Part({"{"}).add({.kind = Kind::content, .text = 0, .event = 1}).json()),
        std::out_of_range);
}

TEST_CASE("trace: what an event says is known if it was in a queue before the recording") {
    ChromeTrace trace;
    trace.add(Part({"", "shop.Order", R"({"number":3})"})
                  .add({.kind = Kind::content, .text = 2, .at = 10, .event = 7})
                  .add({.kind = Kind::popped, .text = 1, .at = 10, .event = 7})
                  .json());
    CHECK(written(trace).find(R"("args": {"waited_us": 0.000, "event": {"number":3}}})") !=
          std::string::npos);
}

TEST_CASE("trace: an event at the address of another does not get what that said") {
    ChromeTrace trace;
    trace.add(Part({"", "shop.Order", R"({"number":3})", "shop.Secret"})
                  .add({.kind = Kind::content, .text = 2, .at = 10, .event = 7})
                  .add({.kind = Kind::queued, .text = 1, .at = 10, .event = 7})
                  .add({.kind = Kind::queued, .text = 3, .at = 20, .event = 7})
                  .add({.kind = Kind::popped, .text = 3, .at = 30, .event = 7})
                  .json());
    const std::string text = written(trace);
    CHECK(text.find(R"({"number":3})") == text.rfind(R"({"number":3})"));
}

}  // namespace weir::app
