// Makes events from any text, of a type in C++ and of one that a configuration declares. An event
// that can be made must come back the same from the JSON that it is written as.
//
// `./dev fuzz` builds and runs it. To try a finding, build/fuzz/fuzz_event_json-crash-..., again,
// run build/fuzz/bin/fuzz_event_json FILE.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "modules/system/call/api_error.h"
#include "modules/system/event/describe_event.h"
#include "modules/system/event/event_json.h"
#include "modules/system/event/json_event_types.h"

namespace weir {
namespace {

enum class Color { red, green };

config::EnumNames<Color> names_of(Color) {
    return {{"red", Color::red}, {"green", Color::green}};
}

struct Everything : Event {
    Index<std::string> text;
    Index<std::int64_t> number;
    Index<Color> color;
    Index<bool> flag;
    double real = 0;
    std::uint64_t large = 0;
    std::chrono::milliseconds time{};
    std::optional<std::string> maybe;
    std::vector<int> list;
    std::map<std::string, double> map;
    config::Value anything;

    static auto declare() {
        using E = Everything;
        return portable_event<E>("fuzz.Everything", "", member("text", &E::text, ""),
                                 member("number", &E::number, ""), member("color", &E::color, ""),
                                 member("flag", &E::flag, ""), member("real", &E::real, ""),
                                 member("large", &E::large, ""), member("time", &E::time, ""),
                                 member("maybe", &E::maybe, "").length(0, 5),
                                 member("list", &E::list, "").range(-9, 9),
                                 member("map", &E::map, ""), member("anything", &E::anything, ""));
    }
};

JsonMemberSettings declared_member(std::string name, JsonMemberType type, config::Value value) {
    JsonMemberSettings member;
    member.name = std::move(name);
    member.type = type;
    member.default_value = std::move(value);
    return member;
}

const EventType& declared_type() {
    static const JsonEventTypes types = [] {
        using enum JsonMemberType;
        JsonEventSettings settings;
        settings.indices = {declared_member("text", string, "x"),
                            declared_member("number", integer, 1),
                            declared_member("flag", boolean, true)};
        settings.members = {declared_member("real", number, 0.5),
                            declared_member("anything", json, "x")};
        return JsonEventTypes({{"fuzz.Declared", settings}});
    }();
    return *types.find("fuzz.Declared");
}

void require(bool condition) {
    if (!condition) {
        std::abort();
    }
}

void try_type(const EventType& type, std::string_view input) {
    Ref<Event> event;
    try {
        event = event_from_json(type, input);
    } catch (const ApiException& error) {
        require(!error.error().message.empty());
        return;
    }
    const std::string json = event_json(*event);
    const Ref<Event> again = event_from_json(type, json);
    require(event_json(*again) == json);
    for (std::size_t level = 0; level != event->levels(); ++level) {
        require(event->at(level) == again->at(level));
    }
}

}  // namespace
}  // namespace weir

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer looks for this name
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view input(reinterpret_cast<const char*>(data), size);
    weir::try_type(weir::event_type<weir::Everything>(), input);
    weir::try_type(weir::declared_type(), input);
    return 0;
}
