#pragma once

#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include "core/wait/timeout.h"
#include "modules/rules/module.h"
#include "modules/system/call/json.h"
#include "modules/system/event/event_exchange.h"
#include "modules/testing/simulated_server.h"

// A shop that notes what rules do with it, for tests of rules.
namespace weir::rules {

using namespace std::chrono_literals;

struct Reservation {
    std::string customer;
    int pieces = 1;

    static config::Settings<Reservation> describe() {
        return config::settings<Reservation>(
            "Reserves pieces",
            config::setting("customer", &Reservation::customer, "For whom").required(),
            config::setting("pieces", &Reservation::pieces, "How many").range(1, 1000));
    }
};

struct Stock {
    int left = 0;
    std::string shelf;

    static config::Settings<Stock> describe() {
        return config::settings<Stock>("What is left",
                                       config::setting("left", &Stock::left, "Pieces"),
                                       config::setting("shelf", &Stock::shelf, "Where they are"));
    }
};

struct Note {
    config::Value text;

    static config::Settings<Note> describe() {
        return config::settings<Note>("Notes a text", config::setting("text", &Note::text, "What"));
    }
};

class Shop : public Module {
public:
    using Module::Module;

    static auto declare() {
        return declare_module<Shop>("shop", "Sells things")
            .function("reserve", &Shop::reserve)
            .function("note", &Shop::note)
            .function("slow", "Takes ten seconds", &Shop::slow)
            .function("break_down", "Fails as often as it is told", &Shop::break_down);
    }

    // What was done, one line each, with the second in which it was done.
    static inline std::vector<std::string> done;
    static inline int failures = 0;

private:
    void write(const std::string& what) {
        const auto second =
            std::chrono::duration_cast<std::chrono::seconds>(scheduler().now().time_since_epoch());
        done.push_back(std::to_string(second.count()) + ": " + what);
    }
    Stock reserve(const Reservation& reservation) {
        write("reserve " + reservation.customer + " " + std::to_string(reservation.pieces));
        return {.left = 100 - reservation.pieces, .shelf = "A7"};
    }
    void note(const Note& note) { write("note " + config::to_json(note.text)); }
    Task<> slow() {
        write("slow");
        co_await sleep(10s);
        write("slow ends");
    }
    void break_down() {
        write("break_down");
        if (failures > 0) {
            --failures;
            throw ApiException("broken", "it does not work today");
        }
    }
};

// A server with the shop, two event types and these rules: the members of an object.
inline std::string app_with(const std::string& rules) {
    return R"({"server": {"startup": ["rules", "shop"], "events": {
        "shop.Order": {"indices": [{"name": "customer"}],
                       "members": [{"name": "pieces", "type": "integer", "default": 1},
                                   {"name": "items", "type": "any", "default": []},
                                   {"name": "note", "default": ""}]},
        "shop.Job": {"ignorable": false, "members": [{"name": "number", "type": "integer"}]},
        "shop.Paid": {"indices": [{"name": "customer"}],
                      "members": [{"name": "euros", "type": "number", "default": 0}]}}},
        "module": {"rules": {"rules": {)" +
           rules + "}}}}";
}

class ShopWorld : public SimulatedServer {
public:
    explicit ShopWorld(const std::string& rules, Registry registry = Registry().add<Shop>())
        : SimulatedServer(app_with(rules), std::move(registry)) {
        Shop::done.clear();
        Shop::failures = 0;
    }
    ~ShopWorld() { finish(); }

    Task<> order(std::string json) { return publish("shop.Order", std::move(json)); }
    Task<> pay(std::string json) { return publish("shop.Paid", std::move(json)); }

    // Sends the orders one after the other, and then waits so long.
    void run_orders(std::vector<std::string> orders, Duration then = 100s) {
        run(send_all(std::move(orders), then));
    }

private:
    Task<> publish(const char* type, std::string json) {
        return server().events().publish(type, std::move(json), {.timeout = std::nullopt});
    }
    Task<> send_all(std::vector<std::string> orders, Duration then) {
        for (std::string& json : orders) {
            Task<> sending = order(std::move(json));
            co_await sending;
        }
        co_await sleep(then);
    }
};

using Lines = std::vector<std::string>;

}  // namespace weir::rules
