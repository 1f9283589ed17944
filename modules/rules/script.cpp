#include "modules/rules/script.h"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <ctime>
#include <new>
#include <utility>

#include "config/settings/duration.h"
#include "config/text/quoted.h"
#include "modules/rules/script_state.h"
#include "modules/system/call/api_error.h"

namespace weir::rules {

namespace {

constexpr const char* chunk_name = "=script";
constexpr std::size_t memory_to_compile = 16 * 1024 * 1024;
constexpr std::size_t longest_error = 1000;  // characters
constexpr std::size_t garbage_kept = 256 * 1024;

// Time in which the thread does not run is none of a script's.
std::chrono::nanoseconds thread_time() noexcept {
    timespec time{};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

std::string longest_text_in_words() {
    return config::Codec<config::ByteSize>::text({longest_text});
}

}  // namespace

// Lua looks only at its calls here, which are whole while it asks for memory.
Stopped Script::State::reason_of_no_more_memory() const noexcept {
    lua_Debug frame_of_call{};
    return lua != nullptr && lua_getstack(lua, deep_recursion, &frame_of_call) != 0
               ? Stopped::recursion
               : Stopped::memory;
}

void* Script::State::allocate(void* own, void* old, std::size_t old_size,
                              std::size_t size) noexcept {
    State& state = *static_cast<State*>(own);
    const std::size_t before = old == nullptr ? 0 : old_size;
    if (size == 0) {
        std::free(old);
        state.memory -= before;
        return nullptr;
    }
    // For a new object, Lua gives its type as the old size.
    if (old == nullptr && old_size == LUA_TSTRING && size > longest_text) {
        state.refused = Stopped::text;
        return nullptr;
    }
    if (size > before && state.memory - before + size > state.most_memory) {
        state.refused = state.reason_of_no_more_memory();
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
    of(lua).charge(hook_interval);
}

void Script::State::check_time() {
    // Reading the time of the thread is a system call; the clock, which is never behind it, is
    // none.
    const auto now = std::chrono::steady_clock::now();
    if (now <= next_look) {
        return;
    }
    const std::chrono::nanoseconds used = thread_time();
    if (used > end) {
        stop(Stopped::time);
    }
    next_look = now + (end - used);
}

int Script::State::set_up(lua_State* lua) {
    State& state = of(lua);
    for (const char* const key : {&list_key, &object_key}) {
        lua_newtable(lua);
        lua_rawsetp(lua, LUA_REGISTRYINDEX, key);
    }
    add_functions(lua);

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

// Errors of functions in C have no line of their own.
int Script::State::note_line(lua_State* lua) {
    lua_Debug frame_of_call{};
    for (int level = 0; lua_getstack(lua, level, &frame_of_call) != 0; ++level) {
        lua_getinfo(lua, "l", &frame_of_call);
        if (frame_of_call.currentline > 0) {
            of(lua).line = static_cast<std::size_t>(frame_of_call.currentline);
            break;
        }
    }
    return 1;
}

bool Script::State::call(lua_CFunction function) {
    stopped = Stopped::no;
    lua_pushcfunction(lua, function);
    line = 0;
    lua_pushcfunction(lua, note_line);
    lua_insert(lua, -2);
    const int status = lua_pcall(lua, 0, 0, -2);
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
            return "it was stopped after " + std::to_string(limits.instructions) +
                   " instructions and work of functions";
        case Stopped::memory:
            return "it needs more memory than " +
                   config::Codec<config::ByteSize>::text(limits.memory);
        case Stopped::recursion:
            return "its recursion is too deep: with more than " + std::to_string(deep_recursion) +
                   " calls within each other, it needs more memory than " +
                   config::Codec<config::ByteSize>::text(limits.memory);
        case Stopped::text:
            return "it makes a text longer than " + longest_text_in_words();
        case Stopped::result:
            return "its result needs more memory than " +
                   config::Codec<config::ByteSize>::text(limits.memory);
        case Stopped::time:
            return "it was stopped after " + config::duration_text(limits.time);
        default:
            break;
    }
    std::string_view text_of_error = error_text(lua);
    const std::size_t told = take_line(text_of_error);
    const std::size_t where = told == 0 ? line : told;
    std::string what = config::printable(text_of_error, longest_error);
    if (lua_type(lua, -1) != LUA_TSTRING) {
        what = std::string("its error is a ") + luaL_typename(lua, -1);
    } else if (what.empty()) {
        what = "its error is an empty text";
    }
    return where == 0 ? what : "line " + std::to_string(where) + ": " + what;
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
        if (state.stopped == Stopped::text) {
            throw ScriptError(1, "has a text longer than " + longest_text_in_words());
        }
        std::string_view what =
            state.stopped == Stopped::memory ? "is too long for a script" : error_text(state.lua);
        const std::size_t line = take_line(what);
        throw ScriptError(std::max<std::size_t>(line, 1), config::printable(what, longest_error));
    }
    state.text = {};
    lua_settop(state.lua, 0);
}

Script::~Script() = default;

std::optional<Json> Script::run(const Frame& frame, const std::vector<Name>& names,
                                const ScriptSettings& limits) {
    State& state = *state_;
    lua_State* const lua = state.lua;
    state.most_memory = limits.memory.bytes;
    state.instructions = limits.instructions;
    state.unlooked = 0;
    state.end = thread_time() + limits.time;
    state.next_look = std::chrono::steady_clock::now() + limits.time;
    state.frame = &frame;
    state.names = &names;
    state.result = nullptr;
    state.result_size = 0;
    lua_sethook(lua, &State::count, LUA_MASKCOUNT, hook_interval);
    const bool done = state.call(&State::run_script);
    lua_sethook(lua, nullptr, 0, 0);
    const std::string why = done ? "" : state.failure(limits);
    state.forget_globals();
    Json result = std::exchange(state.result, nullptr);
    if (state.stopped == Stopped::no_memory) {
        throw std::bad_alloc();
    }
    if (state.stopped == Stopped::unknown_value) {
        return std::nullopt;
    }
    if (!done) {
        throw ApiException(failed, why);
    }
    return result;
}

}  // namespace weir::rules
