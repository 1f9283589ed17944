#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include <lua.hpp>

#include "modules/rules/script.h"

// What script.cpp and script_values.cpp share: nothing else includes Lua. Lua is a C library and
// reports errors by longjmp: a function that calls what may raise one has no local object with a
// destructor at that time.
namespace weir::rules {

// Keys in the registry, by their addresses.
inline constexpr char script_key = 0;
inline constexpr char known_key = 0;    // what scripts may use, by name
inline constexpr char globals_key = 0;  // the metatable of the globals of a run
inline constexpr char list_key = 0;     // the metatable by which a list is known
inline constexpr char object_key = 0;

// Why a run was stopped, beside errors of the script.
enum class Stopped { no, instructions, memory, time, unknown_value, no_memory };

template <class T>
inline void push_key(lua_State* lua, const T& key) {
    lua_rawgetp(lua, LUA_REGISTRYINDEX, &key);
}

struct Script::State {
    State() = default;
    State(const State&) = delete;
    State& operator=(const State&) = delete;
    ~State() {
        if (lua != nullptr) {
            lua_close(lua);
        }
    }

    lua_State* lua = nullptr;
    std::size_t memory = 0;
    std::size_t most_memory = static_cast<std::size_t>(-1);
    std::uint64_t instructions = 0;  // that are left
    std::chrono::nanoseconds end{};  // in time of the processor that the thread has had
    Stopped stopped = Stopped::no;
    Stopped refused = Stopped::no;  // why memory was refused last; a collection may have helped
    // Of a run:
    std::string_view text;  // when it is compiled
    const Frame* frame = nullptr;
    const std::vector<Name>* names = nullptr;
    Json result;
    std::string message;

    static State& of(lua_State* lua) noexcept {
        return **static_cast<State**>(lua_getextraspace(lua));
    }
    [[noreturn]] void stop(Stopped why) {
        stopped = why;
        lua_pushlightuserdata(lua, nullptr);
        lua_error(lua);
        std::abort();
    }
    // Counts work that is done outside of the script's own instructions.
    void charge(std::uint64_t work) {
        if (work > instructions) {
            instructions = 0;
            stop(Stopped::instructions);
        }
        instructions -= work;
    }

    static void* allocate(void* own, void* old, std::size_t old_size, std::size_t size) noexcept;
    static void count(lua_State* lua, lua_Debug*);
    static int set_up(lua_State* lua);
    static int look_up(lua_State* lua);
    static int run_script(lua_State* lua);
    static int call_charged(lua_State* lua);
    static int find_text(lua_State* lua);
    static int repeat_text(lua_State* lua);
    static int unpack(lua_State* lua);
    // Calls the function so that nothing it raises leaves it. Returns whether it raised nothing.
    bool call(lua_CFunction function);
    void forget_globals() noexcept;
    void push(const Json& value, int depth);
    void read(int index, Json& into, int depth);
    void read_list(int index, std::size_t size, Json& into, int depth);
    void read_object(int index, Json& into, int depth);
    std::string failure(const ScriptSettings& limits) const;
};

}  // namespace weir::rules
