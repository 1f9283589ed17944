#include "modules/rules/script.h"

#include <string>
#include <utility>
#include <vector>

#include "modules/rules/test_shop.h"
#include "modules/system/call/api_error.h"
#include "modules/system/server/checked_app.h"

namespace weir::rules {

namespace {

const std::vector<Script::Name> script_names{{"event", 0}, {"now", 1}};

// Limits that also a slow machine keeps.
ScriptSettings patient() {
    ScriptSettings limits;
    limits.time = 10s;
    return limits;
}

// What a script returns for an event, as JSON, or why it fails.
std::string returned(Script& script, const Json& event = {},
                     const ScriptSettings& limits = patient()) {
    try {
        const std::optional<Json> result = script.run({event, "noon"}, script_names, limits);
        return result ? result->dump() : "not known";
    } catch (const ApiException& exception) {
        return exception.error().message;
    }
}

std::string returned(const std::string& text, const Json& event = {},
                     const ScriptSettings& limits = patient()) {
    Script script(text);
    return returned(script, event, limits);
}

std::string stopped_after(std::uint64_t instructions) {
    return "it was stopped after " + std::to_string(instructions) +
           " instructions and work of functions";
}

}  // namespace

TEST_CASE("values pass through a script with their types") {
    for (const char* json : {"null", "true", "3", "3.0", "-9223372036854775808", "1e300",
                             R"("ä\u0000b")", "[]", "{}", "[[],{}]", R"([1,null,2.5,"x"])",
                             R"({"a":null,"b":[{"c":[]}],"1":2})", R"({"deep":[[[[1]]]]})"}) {
        INFO(json);
        CHECK(returned("return event", Json::parse(json)) == Json::parse(json).dump());
    }
    CHECK(returned("return event.a == null, 1", Json::parse(R"({"a":null})")) == "true");
    CHECK(returned("return event.b == nil", Json::parse(R"({"a":null})")) == "true");
    CHECK(returned("return {}") == "{}");
    CHECK(returned("return array{}") == "[]");
    CHECK(returned("return {1, 2, {x = 3}}") == R"([1,2,{"x":3}])");
    CHECK(returned("local list = event list[#list + 1] = 4 return list", Json::parse("[3]")) ==
          "[3,4]");
    CHECK(returned("return 7 // 2, 1") == "3");
    CHECK(returned("return 6 / 2") == "3.0");
    CHECK(returned("return") == "null");
    CHECK(returned("return event", Json(18446744073709551615U)) ==
          "line 1: an integer of more than 63 bits is none in Lua");
}

TEST_CASE("a script has functions for texts, lists and numbers, and no others") {
    CHECK(returned(R"(return ("weir"):upper() .. string.format("%03d", 7))") == R"("WEIR007")");
    CHECK(
        returned(R"(return {string.find("a.b.c", "."), ("a.b"):find(".", -1), ("x"):find("y")})") ==
        "[2]");
    CHECK(returned(R"(local from, to = ("one two"):find("two") return {from, to})") == "[5,7]");
    CHECK(returned("local l = {3, 1, 2} table.sort(l) return table.concat(l, ' ')") ==
          R"("1 2 3")");
    CHECK(returned("return {math.floor(2.5), select('#', 1, 2), tonumber('0x10'), type({})}") ==
          R"([2,2,16,"table"])");
    CHECK(returned("local sum = 0 for _, x in ipairs(event) do sum = sum + x end return sum",
                   Json::parse("[1,2,3]")) == "6");
    for (const char* name : {"os",           "io",           "debug",  "package",  "require",
                             "load",         "loadstring",   "dofile", "loadfile", "coroutine",
                             "setmetatable", "getmetatable", "rawset", "rawget",   "collectgarbage",
                             "print",        "pcall",        "xpcall", "_G",       "utf8",
                             "warn"}) {
        INFO(name);
        CHECK(returned(std::string("return ") + name).starts_with("line 1: unknown value '"));
    }
    for (const char* member :
         {"string.dump", "string.gsub", "string.match", "string.gmatch", "string.pack",
          "math.random", "math.randomseed", "table.move", "(''):rep(1).match", "('').gsub"}) {
        INFO(member);
        CHECK(returned(std::string("return ") + member) == "null");
    }
}

TEST_CASE("an error says the line") {
    CHECK(returned("local x = 1\nreturn evnet.x") ==
          "line 2: unknown value 'evnet' (did you mean 'event'?)");
    CHECK(returned("\n\nreturn event.a.b", Json::object()) ==
          "line 3: attempt to index a nil value (field 'a')");
    CHECK(returned("error('too late: ' .. now)") == "line 1: too late: noon");
    CHECK(returned("error({code = 3})") == "line 1: its error is a table");
    CHECK(returned("error(nil)") == "line 1: its error is a nil");
    CHECK(returned("error(null)") == "line 1: its error is a userdata");
    CHECK(returned("error('')") == "line 1: its error is an empty text");
    CHECK(returned("error('no line', 0)") == "line 1: no line");
    CHECK(returned("error('\\xff\\27[2J')") == "line 1: \\xff\\x1b[2J");
    CHECK(returned("\ntable.sort({1, 'a'})") == "line 2: attempt to compare string with number");
    CHECK(returned("error(('x'):rep(200000))") == "line 1: " + std::string(1000, 'x') + "...");
    CHECK(returned("return function() end") == "the result has a function, which is no value");
    CHECK(returned("return {1, 2, x = 3}") ==
          "the result has a table that is neither a list nor an object");
    CHECK(returned("return {[1.5] = 3}") ==
          "the result has a table that is neither a list nor an object");
    CHECK(returned("return 0/0").find("a number that JSON has not") != std::string::npos);
    CHECK(returned(R"(return "\xff")") == "the result has a text that is not UTF-8");
    CHECK(returned("local t = {} t.t = t return t") ==
          "the result has more than 100 levels, or contains itself");
    for (const auto& [text, line] : std::vector<std::pair<std::string, std::size_t>>{
             {"return +", 1}, {"local a\nif a then", 2}, {"\x1bLua", 1}}) {
        try {
            const Script script(text);
            FAIL("this is no script: " << text);
        } catch (const ScriptError& error) {
            CHECK(error.line() == line);
            CHECK(std::string(error.what()) != "");
        }
    }
}

TEST_CASE("nothing of a run is left for the next") {
    Script script(
        "string.upper = nil table.insert = 7 left = (left_over or nil) count = 1 "
        "local own = array own = 3 return {count, ('a'):upper()}");
    CHECK(returned(script) == "line 1: unknown value 'left_over'");
    Script again("string.upper = nil math.pi = 3 x = 5 event.y = 1 return ('a'):upper() .. x");
    const Json event = Json::object();
    CHECK(returned(again, event) == R"("A5")");
    CHECK(returned(again, event) == R"("A5")");
    CHECK(event.empty());
    Script fails("if event then mark = 1 error('once') end return mark");
    CHECK(returned(fails, true) == "line 1: once");
    CHECK(returned(fails, false) == "line 1: unknown value 'mark'");
}

TEST_CASE("a value that is not known is none to a script") {
    Script script("if event then return now end return 1");
    CHECK(script.run({true, unknown_value()}, script_names, {}) == std::nullopt);
    CHECK(script.run({false, unknown_value()}, script_names, {}) == Json(1));
}

TEST_CASE("a script that works for long is stopped, whatever does the work") {
    ScriptSettings limits = patient();
    limits.instructions = 100'000;
    limits.memory = config::mebibytes(64);
    const Json thousand(Json::array_t(1000));
    for (const char* text : {
             "while true do end",
             "for i = 1, 1e18 do end",
             "local function f() return f() end return f()",
             "repeat until false",
             "::again:: goto again",
             // Functions in C would loop over what is not there.
             "string.rep('', 1 << 62)",
             "local t = {} for i = 62, 0, -1 do t[1 << i] = 1 end table.insert(t, 1, 1)",
             "local t = {} for i = 62, 0, -1 do t[1 << i] = 1 end table.remove(t, 1)",
             "local t = {} for i = 62, 0, -1 do t[1 << i] = 1 end table.sort(t, function() end)",
             "table.unpack({}, 1, 1 << 40)",
             "table.concat({}, '', 1, 1 << 40)",
             "local t = {} for i = 1, 5000 do t[i] = i end while true do table.insert(t, 1, 1) end",
             // Values are made again.
             "for i = 1, 1000 do _ENV.event = nil x = event end",
             "local a = ('a'):rep(50000) for i = 1, 1e9 do (a .. 'b'):find(a .. 'c') end",
             "local a = ('a'):rep(90000) while true do a:upper() end",
             // The result would be 2^40 values.
             "local t = {} for i = 1, 40 do t = {t, t} end return t",
             // An error has no way to be caught.
             "table.sort({3, 2, 1}, function() while true do end end)",
         }) {
        INFO(text);
        CHECK(returned(text, thousand, limits) == stopped_after(100'000));
    }
    CHECK(returned("local t = {} for i = 62, 0, -1 do t[1 << i] = 1 end return t") ==
          "the result has a list without its element 3");
    limits.instructions = 1'000'000'000;
    limits.time = 20ms;
    for (const char* text : {
             "while true do end",
             // Lua compares each part between two NULs for itself.
             "local a = ('\\0'):rep(200000) .. 'x' local b = a .. '' while true do x = a < b end",
             "local a = ('\\0'):rep(200000) .. 'x' local t = {} for i = 1, 500 do t[i] = a end "
             "table.sort(t)",
             // A table from which all was removed has the size that it had.
             "local e = {} for i = 1, 32768 do e['k' .. i] = 1 end "
             "for k in pairs(e) do e[k] = nil end "
             "local t = e for i = 1, 14 do t = {t, t} end return t",
         }) {
        INFO(text);
        CHECK(returned(text, {}, limits) == "it was stopped after 20ms");
    }
}

TEST_CASE("a script may do much that is little work") {
    ScriptSettings limits = patient();
    limits.instructions = 100'000;
    const Json text(std::string(60'000, 'x'));
    CHECK(returned("local l = {} for i = 1, 5000 do table.insert(l, i) end "
                   "for i = 1, 5000 do table.remove(l) end return #l",
                   {}, limits) == "0");
    CHECK(returned("local n = 0 for i = 1, 4100 do "
                   "if event:sub(i, i) == 'x' and event:byte(i) == 120 then n = n + 1 end end "
                   "return n",
                   text, limits) == "4100");
    CHECK(returned("for i = 1, 200 do event:find('xxxxxxxxxxxx') end return 1", text, limits) ==
          "1");
    CHECK(returned("for i = 1, 20 do event:find('xxxxxxxxxxxy') end return 1", text, limits) ==
          "1");
    CHECK(returned("return #('x'):rep(200000)", {}, limits) == "200000");
}

TEST_CASE("a script shows no address") {
    CHECK(returned("return {tostring({}), tostring(next), tostring(null), tostring(nil)}") ==
          R"(["table","function","null","nil"])");
    CHECK(returned("return string.format('%s %5s %d%%', {}, null, 3)") == R"("table  null 3%")");
    for (const char* format : {"%p", "%%%-20p", "%d %p"}) {
        CHECK(returned(std::string("return string.format('") + format + "', 1, 'x')") ==
              "line 1: '%p' would show an address");
    }
}

TEST_CASE("a text, and the result, have a longest size") {
    CHECK(returned("local s = 'x' while true do s = s .. s end") ==
          "it makes a text longer than 256KiB");
    CHECK(returned("return #event", std::string(300'000, 'x')) ==
          "it makes a text longer than 256KiB");
    try {
        const Script script("return '" + std::string(300'000, 'x') + "'");
        FAIL("the text is too long");
    } catch (const ScriptError& error) {
        CHECK(error.what() == std::string("has a text longer than 256KiB"));
    }
    for (const char* text : {
             "local t = {} for i = 1, 18 do t = {a = t, b = t} end return t",
             "local t = ('x'):rep(100000) for i = 1, 6 do t = {t, t} end return t",
             "local k = ('x'):rep(100000) local t = {[k] = 1} "
             "for i = 1, 6 do t = {t, t} end return t",
         }) {
        INFO(text);
        CHECK(returned(text) == "its result needs more memory than 4MiB");
    }
    CHECK(returned("return #event", Json(Json::array_t(20'000))) == "20000");
    CHECK(returned("return event", Json(Json::array_t(20'000))) ==
          Json(Json::array_t(20'000)).dump());
}

TEST_CASE("a script that wants much memory is stopped, and the next run has it again") {
    ScriptSettings limits = patient();
    limits.memory = config::kibibytes(512);
    const std::string much = "it needs more memory than 512KiB";
    for (const char* text : {
             "local t = {} for i = 1, 1e9 do t[i] = i end",
             "return ('x'):rep(600000)",
             "local s = 'x' while true do s = s .. s end",
             "return string.format('%99.99f', 1):rep(1e5)",
         }) {
        INFO(text);
        Script script(std::string("if event then return 1 end ") + text);
        const std::string result = returned(script, false, limits);
        CHECK((result == much || result == "it makes a text longer than 256KiB"));
        CHECK(returned(script, true, limits) == "1");
    }
    Json large = Json::array();
    for (int i = 0; i != 100'000; ++i) {
        large.push_back(i);
    }
    CHECK(returned("return #event", large, limits) == much);
    CHECK(returned("local t for i = 1, 20000 do t = {i} end return t", {}, limits) == "[20000]");
}

TEST_CASE("recursion without an end is told as that") {
    const std::string without_end = "local function f(x) return f(x + 1) + 1 end return f(1)";
    ScriptSettings limits = patient();
    CHECK(returned(without_end, {}, limits) ==
          "its recursion is too deep: with more than 1000 calls within each other, it needs more "
          "memory than 4MiB");
    CHECK(returned("local function f(x) if x == 0 then return 0 end return 1 + f(x - 1) end "
                   "return f(1500)",
                   {}, limits) == "1500");
    limits.memory = config::mebibytes(512);
    limits.instructions = 100'000'000;
    CHECK(returned(without_end, {}, limits).starts_with("line 1: stack overflow"));
}

TEST_CASE("a step computes a value by a script") {
    ShopWorld world(R"(
        "sum": {"on": "shop.Order", "do": [
            {"script": ["local sum = 0",
                        "for _, item in ipairs(event.items) do sum = sum + item end",
                        "return {sum = sum, rest = event.pieces - #event.items}"], "as": "made"},
            {"call": "shop.note", "with": {"text": "{{made.sum}} {{made.rest}}"}},
            {"script": "if made.sum > 5 then error('too much') end",
             "retry": {"times": 5},
             "on_error": [{"call": "shop.note", "with": {"text": ["{{error.code}}",
                                                                  "{{error.message}}"]}}]}]})");
    world.run_orders({R"({"customer": "ann", "pieces": 4, "items": [1, 2, 3]})"});
    CHECK(Shop::done ==
          Lines{R"(0: note "6 1")", R"(0: note ["script_failed","line 1: too much"])"});
    CHECK(world.log() == "");
}

TEST_CASE("the failure of a step can be called in a script as its function is") {
    ShopWorld world(R"json(
        "sum": {"on": "shop.Order", "do": [
            {"fail": "no", "on_error": [
                {"script": "error(error.message .. '!')", "on_error": [
                    {"call": "shop.note", "with": {"text": "{{error.message}}"}}]},
                {"script": "return error", "as": "made"},
                {"call": "shop.note", "with": {"text": "{{made}}"}}]}]})json");
    world.run_orders({R"({"customer": "ann", "pieces": 4, "items": [1, 2, 3]})"});
    CHECK(Shop::done == Lines{R"(0: note "line 1: no!")",
                              R"(0: note {"code":"failed","message":"no","step":"do[0]"})"});
}

TEST_CASE("what is no script is told with its place") {
    config::Problems problems;
    const CheckedApp app(SimulatedServer::read(R"({
    "server": {"startup": ["rules"]},
    "module": {"rules": {"rules": {"a": {"on": "start", "do": [
        {"script": ["local x = 1",
                    "return x +"], "as": "y"},
        {"script": "return ]"},
        {"script": "return y", "timeout": "1s"},
        {"script": ["local text = 'it is {{now}}'", "local y = 1\nlocal x = {{ 1 }}",
                    "local a = 1\n\nreturn {{now}}"]},
        {"script": ["local a = 1\nlocal b = 2",
                    "local c = 3\nlocal d = +"]},
        {"set": 1, "as": "type"},
        {"script": "return 1"}
    ]}}}}
})"),
                         {}, problems);
    CHECK(problems.text() ==
          "app.json:5:21: module.rules.rules.a.do[0].script[1]: unexpected symbol near <eof>\n"
          "app.json:6:20: module.rules.rules.a.do[1].script: line 1: unexpected symbol near ']'\n"
          "app.json:7:43: module.rules.rules.a.do[2].timeout: belongs to steps that wait only\n"
          "app.json:8:21: module.rules.rules.a.do[3].script[0]: a script knows values by their "
          "names: write now without {{ and }}\n"
          "app.json:9:21: module.rules.rules.a.do[3].script[2]: line 3: a script knows values by "
          "their names: write now without {{ and }}\n"
          "app.json:11:21: module.rules.rules.a.do[4].script[1]: line 2: unexpected symbol near "
          "'+'\n"
          "app.json:13:20: module.rules.rules.a.do[6].script: the value 'type' hides what scripts "
          "have under this name; give it another name\n");
}

}  // namespace weir::rules
