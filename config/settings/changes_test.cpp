#include "config/settings/changes.h"

#include <memory>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "config/document/document.h"
#include "config/settings/settings.h"
#include "config/settings/testdata/sample_settings.h"

namespace weir::config {

namespace {

template <Described S>
std::string changed(const S& before, const S& after) {
    std::string text;
    for (const Change& change : changes(before, after)) {
        text += to_text(change) + (change.fixed ? " (fixed)\n" : "\n");
    }
    return text;
}

struct Door {
    std::string key = "1234";
    int width = 90;
    std::vector<int> hinges;

    static Settings<Door> describe() {
        return settings<Door>("A door", setting("key", &Door::key, "Opens it").secret().fixed(),
                              setting("width", &Door::width, "Free space").unit("cm"),
                              setting("hinges", &Door::hinges, "Where they are").fixed());
    }
};

struct House {
    Door door;
    int rooms = 4;

    static Settings<House> describe() {
        return settings<House>("A house", setting("door", &House::door, "Its entrance"),
                               setting("rooms", &House::rooms, "How many"));
    }
};

}  // namespace

TEST_CASE("equal settings have no changes", "[changes]") {
    CHECK(changed(sample::ServerSettings(), sample::ServerSettings()) == "");
    CHECK(changed(sample::LockSettings(), sample::LockSettings()) == "");
}

TEST_CASE("changes of every type are found", "[changes]") {
    sample::ServerSettings server;
    server.process_events = 5;
    server.poll_interval = std::chrono::seconds(1);
    server.debugging = true;
    server.plugin_path = {"a", "b"};
    server.queues = {{}};
    CHECK(changed(sample::ServerSettings(), server) ==
          "plugin_path: [\"plugins\"] -> [\"a\",\"b\"] (fixed)\n"
          "process_events: null -> 5\n"
          "poll_interval: \"50ms\" -> \"1s\"\n"
          "debugging: false -> true\n"
          "queues: [] -> [{\"event\":\"\",\"index\":{},\"priority\":400,\"limit\":null,"
          "\"kind\":\"fifo\",\"queues\":[]}]\n");

    sample::ServerSettings other = server;
    CHECK(changed(server, other) == "");
    other.queues[0].index["key"] = 5;
    CHECK(changed(server, other).find("queues: ") == 0);
    server.queues[0].index["key"] = "5";
    CHECK(changed(server, other).find("queues: ") == 0);
    server.queues[0].index["key"] = 5;
    CHECK(changed(server, other) == "");
}

TEST_CASE("a change of values too long for a line names what differs", "[changes]") {
    const auto value = [](const std::string& text) {
        Problems problems;
        Allowance allowance{Limits()};
        return *read_document(text, std::make_shared<Source>(Source{"test"}), allowance, problems);
    };
    const std::string filling = R"("filling": ")" + std::string(200, 'x') + R"(")";
    const auto difference = [&](const std::string& before, const std::string& after) {
        return to_text({"rules", false, value("{" + filling + before + "}"),
                        value("{" + filling + after + "}")});
    };
    CHECK(difference(R"(, "tell": {"do": [{"log": "a"}]}, "hear": 1)",
                     R"(, "tell": {"do": [{"log": "b"}]}, "ask": 2)") ==
          R"(rules: tell.do[0].log: "a" -> "b", hear removed, ask added)");
    CHECK(difference(R"(, "tell": [1, 2])", R"(, "tell": [1])") == "rules: tell: 2 elements -> 1");
    CHECK(difference(R"(, "a.b": 1)", R"(, "a.b": ")" + std::string(1000, 'y') + R"(")") ==
          R"(rules: ["a.b"]: 1 -> ")" + std::string(59, 'y') + "...");
    std::string many;
    for (int i = 0; i != 1000; ++i) {
        many += ", \"n" + std::to_string(i) + "\": 1";
    }
    CHECK(difference("", many) ==
          "rules: n0 added, n1 added, n2 added, n3 added, n4 added, n5 added, n6 added, n7 added, "
          "n8 added, n9 added, and 990 more");
    CHECK(to_text({"text", false, std::string(300, 'a'), std::string(300, 'b')}) ==
          "text: \"" + std::string(59, 'a') + "... -> \"" + std::string(59, 'b') + "...");
}

TEST_CASE("each setting of a nested struct is listed", "[changes]") {
    sample::LockSettings before, after;
    after.limits.total = 7;
    after.semaphores = {{"a", 1}};
    after.contexts["web"].timeout = std::chrono::seconds(1);
    after.labels = 5;
    after.priority = 1;
    CHECK(changed(before, after) ==
          "priority: 990 -> 1 (fixed)\n"
          "limits.total: 100000 -> 7\n"
          "semaphores: {} -> {\"a\":1}\n"
          "contexts: {} -> {\"web\":{\"timeout\":\"1s\"}}\n"
          "labels: {} -> 5\n");
}

TEST_CASE("changes do not show secrets", "[changes]") {
    sample::RespSettings before, after;
    after.password = "hunter2";
    CHECK(changed(before, after) == "password: null -> \"(secret)\"\n");
    before.password = "hunter1";
    CHECK(changed(before, after) == "password: changed, in what is not shown\n");
}

TEST_CASE("settings that are fixed keep their values, in nested structs and secret ones too",
          "[changes]") {
    const House before;
    House after;
    after.door.key = "5678";
    after.door.hinges = {1, 2};
    CHECK_FALSE(keep_fixed(description_of<House>(), &before, &after));
    CHECK(after.door.key == "1234");
    CHECK(after.door.hinges.empty());

    after.door.key = "5678";
    after.door.width = 100;
    CHECK(keep_fixed(description_of<House>(), &before, &after));
    CHECK(after.door.key == "1234");
    CHECK(after.door.width == 100);
    after.rooms = 5;
    CHECK(keep_fixed(description_of<House>(), &before, &after));
    CHECK(after.rooms == 5);
}

}  // namespace weir::config
