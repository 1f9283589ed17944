#include "modules/rules/script.h"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <ctime>
#include <new>
#include <utility>

#include "config/settings/duration.h"
#include "config/text/nearest_name.h"
#include "config/text/utf8.h"
#include "modules/rules/script_state.h"
#include "modules/system/call/api_error.h"

namespace weir::rules {

namespace {

constexpr const char* chunk_name = "=script";
constexpr int hook_interval = 1000;  // instructions
constexpr std::size_t memory_to_compile = 16 * 1024 * 1024;
constexpr std::size_t garbage_kept = 256 * 1024;

// Time in which the thread does not run is none of a script's.
std::chrono::nanoseconds thread_time() noexcept {
    timespec time{};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

}  // namespace

void* Script::State::allocate(void* own, void* old, std::size_t old_size,
                              std::size_t size) noexcept {
    State& state = *static_cast<State*>(own);
    const std::size_t before = old == nullptr ? 0 : old_size;
    if (size == 0) {
        std::free(old);
        state.memory -= before;
        return nullptr;
    }
    if (size > before && state.memory - before + size > state.most_memory) {
        state.refused = Stopped::memory;
        return nullptr;
    }
    void* const made = std::realloc(old, size);
    if (made == nullptr) {
        state.refused = Stopped::no_memory;
        return nullptr;
    }
    state.memory += size - before;
    return made;
}

void Script::State::count(lua_State* lua, lua_Debug*) {
    State& state = of(lua);
    state.charge(hook_interval);
    if (thread_time() > state.end) {
        state.stop(Stopped::time);
    }
}

namespace {

// Sets the field of the table on the top of the stack to a function that charges for its
// arguments: `weight` for each element of a table.
void add_charged(lua_State* lua, const char* name, lua_CFunction charged, lua_CFunction function,
                 lua_Integer weight) {
    lua_pushcfunction(lua, function);
    lua_pushinteger(lua, weight);
    lua_pushcclosure(lua, charged, 2);
    lua_setfield(lua, -2, name);
}

// Copies fields of the library on the top of the stack into the table below it, and removes the
// library.
template <std::size_t N>
void add_from_library(lua_State* lua, lua_CFunction charged,
                      const std::pair<const char*, int> (&fields)[N]) {
    for (const auto& [name, weight] : fields) {
        lua_getfield(lua, -1, name);
        const lua_CFunction function = lua_tocfunction(lua, -1);
        if (weight == 0 || function == nullptr) {
            lua_setfield(lua, -3, name);
            continue;
        }
        lua_pop(lua, 1);
        lua_insert(lua, -2);
        add_charged(lua, name, charged, function, weight);
        lua_insert(lua, -2);
    }
    lua_pop(lua, 1);
}

void open_library(lua_State* lua, const char* name, lua_CFunction open) {
    lua_newtable(lua);
    luaL_requiref(lua, name, open, 0);
}

int make_list(lua_State* lua) {
    luaL_checktype(lua, 1, LUA_TTABLE);
    lua_settop(lua, 1);
    push_key(lua, list_key);
    lua_setmetatable(lua, 1);
    return 1;
}

// A table as the copy that a script gets, which it may change.
void push_copy(lua_State* lua, int index) {
    index = lua_absindex(lua, index);
    lua_newtable(lua);
    lua_pushnil(lua);
    while (lua_next(lua, index) != 0) {
        lua_pushvalue(lua, -2);
        lua_insert(lua, -2);
        lua_rawset(lua, -4);
    }
}

}  // namespace

// What is left out could reach other things than values (os, io, load, debug), call code that no
// limit reaches (coroutines, finalizers, patterns, which take exponential time), differ from run to
// run (random numbers), or hide from the limits (pcall).
int Script::State::set_up(lua_State* lua) {
    State& state = of(lua);
    for (const char* const key : {&list_key, &object_key}) {
        lua_newtable(lua);
        lua_rawsetp(lua, LUA_REGISTRYINDEX, key);
    }
    open_library(lua, LUA_GNAME, luaopen_base);
    static constexpr std::pair<const char*, int> base[] = {
        {"assert", 0}, {"error", 0},    {"ipairs", 0},   {"next", 0}, {"pairs", 0},
        {"select", 1}, {"tonumber", 1}, {"tostring", 0}, {"type", 0}};
    add_from_library(lua, call_charged, base);
    lua_pushcfunction(lua, make_list);
    lua_setfield(lua, -2, "array");
    lua_pushlightuserdata(lua, nullptr);
    lua_setfield(lua, -2, "null");

    open_library(lua, LUA_STRLIBNAME, luaopen_string);
    lua_getfield(lua, -1, "rep");
    const lua_CFunction repeat = lua_tocfunction(lua, -1);
    lua_pop(lua, 1);
    static constexpr std::pair<const char*, int> text[] = {
        {"byte", 1},  {"char", 1},    {"format", 1}, {"len", 0},
        {"lower", 1}, {"reverse", 1}, {"sub", 1},    {"upper", 1}};
    add_from_library(lua, call_charged, text);
    add_charged(lua, "rep", repeat_text, repeat, 1);
    lua_pushcfunction(lua, find_text);
    lua_setfield(lua, -2, "find");
    // Texts have these as methods, too.
    lua_pushliteral(lua, "");
    lua_getmetatable(lua, -1);
    push_copy(lua, -3);
    lua_setfield(lua, -2, "__index");
    lua_pop(lua, 2);
    lua_setfield(lua, -2, LUA_STRLIBNAME);

    open_library(lua, LUA_TABLIBNAME, luaopen_table);
    lua_getfield(lua, -1, "unpack");
    const lua_CFunction all_of = lua_tocfunction(lua, -1);
    lua_pop(lua, 1);
    static constexpr std::pair<const char*, int> table[] = {
        {"concat", 1}, {"insert", 1}, {"remove", 1}, {"sort", 20}};
    add_from_library(lua, call_charged, table);
    add_charged(lua, "unpack", unpack, all_of, 1);
    lua_setfield(lua, -2, LUA_TABLIBNAME);

    luaL_requiref(lua, LUA_MATHLIBNAME, luaopen_math, 0);
    for (const char* const random : {"random", "randomseed"}) {
        lua_pushnil(lua);
        lua_setfield(lua, -2, random);
    }
    lua_setfield(lua, -2, LUA_MATHLIBNAME);
    lua_rawsetp(lua, LUA_REGISTRYINDEX, &known_key);

    lua_newtable(lua);
    lua_pushcfunction(lua, look_up);
    lua_setfield(lua, -2, "__index");
    lua_rawsetp(lua, LUA_REGISTRYINDEX, &globals_key);

    if (luaL_loadbufferx(lua, state.text.data(), state.text.size(), chunk_name, "t") != LUA_OK) {
        return lua_error(lua);
    }
    lua_rawsetp(lua, LUA_REGISTRYINDEX, &script_key);
    return 0;
}

// Called for a global that has no value yet.
int Script::State::look_up(lua_State* lua) {
    State& state = of(lua);
    std::size_t size = 0;
    const char* const bytes = luaL_checklstring(lua, 2, &size);
    const std::string_view wanted(bytes, size);
    for (const Name& known : *state.names) {
        if (known.name == wanted) {
            const Json& value = (*state.frame)[known.slot];
            if (value.is_discarded()) {
                state.stop(Stopped::unknown_value);
            }
            state.push(value, 0);
            lua_pushvalue(lua, 2);
            lua_pushvalue(lua, -2);
            lua_rawset(lua, 1);
            return 1;
        }
    }
    push_key(lua, known_key);
    lua_pushvalue(lua, 2);
    const int type = lua_rawget(lua, -2);
    if (type == LUA_TTABLE) {
        push_copy(lua, -1);
        lua_pushvalue(lua, 2);
        lua_pushvalue(lua, -2);
        lua_rawset(lua, 1);
    }
    if (type != LUA_TNIL) {
        return 1;
    }
    bool has_memory = true;
    try {
        std::vector<std::string> names;
        for (const Name& known : *state.names) {
            names.push_back(known.name);
        }
        state.message = config::unknown_name("value", std::string(wanted), names);
    } catch (const std::bad_alloc&) {
        has_memory = false;
    }
    if (!has_memory) {
        state.stop(Stopped::no_memory);
    }
    luaL_where(lua, 1);
    lua_pushlstring(lua, state.message.data(), state.message.size());
    lua_concat(lua, 2);
    return lua_error(lua);
}

// The size of a table's list is what Lua takes for it: a script can make it any number, over which
// a function of a library would then loop.
int Script::State::call_charged(lua_State* lua) {
    State& state = of(lua);
    const auto weight = static_cast<std::uint64_t>(lua_tointeger(lua, lua_upvalueindex(2)));
    const int count = lua_gettop(lua);
    state.charge(static_cast<std::uint64_t>(count));
    for (int i = 1; i <= count; ++i) {
        if (lua_type(lua, i) == LUA_TSTRING) {
            state.charge(lua_rawlen(lua, i) / 16);
        } else if (lua_type(lua, i) == LUA_TTABLE) {
            const std::uint64_t size = lua_rawlen(lua, i);
            state.charge(size > state.instructions ? size : size * weight);
        }
    }
    return lua_tocfunction(lua, lua_upvalueindex(1))(lua);
}

// Finds a text, not a pattern.
int Script::State::find_text(lua_State* lua) {
    State& state = of(lua);
    std::size_t size = 0;
    std::size_t wanted_size = 0;
    const char* const text = luaL_checklstring(lua, 1, &size);
    const char* const wanted = luaL_checklstring(lua, 2, &wanted_size);
    lua_Integer begin = luaL_optinteger(lua, 3, 1);
    if (begin < 0) {
        begin = std::max<lua_Integer>(begin + static_cast<lua_Integer>(size) + 1, 1);
    }
    state.charge(size / 16 + size * wanted_size / 64);
    const std::size_t found =
        std::string_view(text, size)
            .find(std::string_view(wanted, wanted_size),
                  static_cast<std::size_t>(std::max<lua_Integer>(begin, 1) - 1));
    if (found == std::string_view::npos) {
        lua_pushnil(lua);
        return 1;
    }
    lua_pushinteger(lua, static_cast<lua_Integer>(found) + 1);
    lua_pushinteger(lua, static_cast<lua_Integer>(found + wanted_size));
    return 2;
}

// Also an empty text that is repeated takes time.
int Script::State::repeat_text(lua_State* lua) {
    of(lua).charge(static_cast<std::uint64_t>(std::max<lua_Integer>(luaL_checkinteger(lua, 2), 0)));
    return call_charged(lua);
}

int Script::State::unpack(lua_State* lua) {
    const lua_Integer begin = luaL_optinteger(lua, 2, 1);
    const lua_Integer end = luaL_optinteger(lua, 3, 1);
    if (end > begin) {
        of(lua).charge(static_cast<std::uint64_t>(end) - static_cast<std::uint64_t>(begin));
    }
    return call_charged(lua);
}

// --- running

int Script::State::run_script(lua_State* lua) {
    State& state = of(lua);
    push_key(lua, script_key);
    lua_newtable(lua);
    push_key(lua, globals_key);
    lua_setmetatable(lua, -2);
    lua_setupvalue(lua, -2, 1);
    lua_call(lua, 0, 1);
    bool has_memory = true;
    try {
        state.read(lua_gettop(lua), state.result, 0);
    } catch (const std::bad_alloc&) {
        has_memory = false;
    }
    if (!has_memory) {
        state.stop(Stopped::no_memory);
    }
    return 0;
}

namespace {

// Splits "script:3: what": returns the line, 0 if there is none, and leaves what.
std::size_t take_line(std::string_view& message) {
    constexpr std::string_view prefix = "script:";
    std::size_t line = 0;
    if (message.starts_with(prefix)) {
        const char* const begin = message.data() + prefix.size();
        const char* const all = message.data() + message.size();
        const auto [end, error] = std::from_chars(begin, all, line);
        if (error == std::errc() && all - end >= 2 && end[0] == ':') {
            message.remove_prefix(static_cast<std::size_t>(end - message.data()) + 2);
        }
    }
    return line;
}

// Returns the error on the top of the stack, if it is a text.
std::string_view error_text(lua_State* lua) {
    if (lua_type(lua, -1) != LUA_TSTRING) {
        return {};
    }
    std::size_t size = 0;
    const char* const bytes = lua_tolstring(lua, -1, &size);
    return {bytes, size};
}

}  // namespace

bool Script::State::call(lua_CFunction function) {
    stopped = Stopped::no;
    lua_pushcfunction(lua, function);
    const int status = lua_pcall(lua, 0, 0, 0);
    if (status == LUA_ERRMEM) {
        stopped = refused;
    }
    return status == LUA_OK;
}

void Script::State::forget_globals() noexcept {
    push_key(lua, script_key);
    lua_pushnil(lua);
    lua_setupvalue(lua, -2, 1);
    lua_settop(lua, 0);
    if (memory > garbage_kept) {
        lua_gc(lua, LUA_GCCOLLECT);
    }
}

std::string Script::State::failure(const ScriptSettings& limits) const {
    switch (stopped) {
        case Stopped::instructions:
            return "it was stopped after " + std::to_string(limits.instructions) + " instructions";
        case Stopped::memory:
            return "it needs more memory than " +
                   config::Codec<config::ByteSize>::text(limits.memory);
        case Stopped::time:
            return "it was stopped after " + config::duration_text(limits.time);
        default:
            break;
    }
    std::string_view text_of_error = error_text(lua);
    const std::size_t line = take_line(text_of_error);
    std::string what(text_of_error.substr(0, config::utf8_prefix(text_of_error)));
    if (what.empty()) {
        what = std::string("its error is a ") + luaL_typename(lua, -1);
    }
    return line == 0 ? what : "line " + std::to_string(line) + ": " + what;
}

ScriptError::~ScriptError() = default;

Script::Script(std::string_view text) : state_(std::make_unique<State>()) {
    State& state = *state_;
    state.most_memory = memory_to_compile;
    state.lua = lua_newstate(&State::allocate, &state);
    if (state.lua == nullptr) {
        throw std::bad_alloc();
    }
    *static_cast<State**>(lua_getextraspace(state.lua)) = &state;
    state.text = text;
    if (!state.call(&State::set_up)) {
        if (state.stopped == Stopped::no_memory) {
            throw std::bad_alloc();
        }
        std::string_view what =
            state.stopped == Stopped::memory ? "is too long for a script" : error_text(state.lua);
        const std::size_t line = take_line(what);
        throw ScriptError(std::max<std::size_t>(line, 1), std::string(what));
    }
    state.text = {};
}

Script::~Script() = default;

std::optional<Json> Script::run(const Frame& frame, const std::vector<Name>& names,
                                const ScriptSettings& limits) {
    State& state = *state_;
    lua_State* const lua = state.lua;
    state.most_memory = limits.memory.bytes;
    state.instructions = limits.instructions;
    state.end = thread_time() + limits.time;
    state.frame = &frame;
    state.names = &names;
    state.result = nullptr;
    lua_sethook(lua, &State::count, LUA_MASKCOUNT, hook_interval);
    const bool done = state.call(&State::run_script);
    lua_sethook(lua, nullptr, 0, 0);
    const std::string why = done ? "" : state.failure(limits);
    state.forget_globals();
    if (state.stopped == Stopped::no_memory) {
        throw std::bad_alloc();
    }
    if (state.stopped == Stopped::unknown_value) {
        return std::nullopt;
    }
    if (!done) {
        throw ApiException(failed, why);
    }
    return std::exchange(state.result, nullptr);
}

}  // namespace weir::rules
