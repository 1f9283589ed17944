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

// What script*.cpp share: nothing else includes Lua. Lua is a C library and
// reports errors by longjmp: a function that calls what may raise one has no local object with a
// destructor at that time.
namespace weir::rules {

// Keys in the registry, by their addresses.
inline constexpr char script_key = 0;
inline constexpr char known_key = 0;    // what scripts may use, by name
inline constexpr char globals_key = 0;  // the metatable of the globals of a run
inline constexpr char list_key = 0;     // the metatable by which a list is known
inline constexpr char object_key = 0;

// The time of a script is looked at whenever it has done so much. In between, it can do that many
// operations, and each takes at most the time of the slowest with a text of longest_text: to
// compare two texts of NULs with `<`, which takes about 50 ns for each byte. So a script ends at
// most about a quarter of a second after its time, whatever it does.
inline constexpr int hook_interval = 20;                 // instructions
inline constexpr std::size_t longest_text = 256 * 1024;  // bytes, with Lua's own few

// The work to move, or to look at, so many bytes.
constexpr std::uint64_t bytes_moved(std::uint64_t bytes) noexcept {
    return bytes / 16;
}

// Why a run was stopped, beside errors of the script.
enum class Stopped {
    no,
    instructions,
    memory,
    recursion,
    text,
    result,
    time,
    unknown_value,
    no_memory
};

// A script that has so many calls within each other when its memory is used up recurses without an
// end.
inline constexpr int deep_recursion = 1000;

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
    std::uint64_t unlooked = 0;      // work since the time was looked at
    std::chrono::steady_clock::time_point next_look;
    std::chrono::nanoseconds end{};  // in time of the processor that the thread has had
    Stopped stopped = Stopped::no;
    Stopped refused = Stopped::no;  // why memory was refused last; a collection may have helped
    // Of a run:
    std::string_view text;  // when it is compiled
    const Frame* frame = nullptr;
    const std::vector<Name>* names = nullptr;
    Json result;
    std::size_t result_size = 0;  // about what it takes of memory, in bytes
    std::string message;
    std::size_t line = 0;  // of the last error; 0 if it was not in a script

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
        unlooked += work;
        if (unlooked >= hook_interval) {
            unlooked = 0;
            check_time();
        }
    }
    void check_time();
    void charge_range(lua_Integer first, lua_Integer last);
    // Counts what the result takes beside the memory of Lua: tables that are in it many times
    // become as many values.
    void add_to_result(std::size_t size) {
        result_size += size;
        if (result_size > most_memory) {
            stop(Stopped::result);
        }
    }

    Stopped reason_of_no_more_memory() const noexcept;
    static void* allocate(void* own, void* old, std::size_t old_size, std::size_t size) noexcept;
    static void count(lua_State* lua, lua_Debug*);
    static int set_up(lua_State* lua);
    static void add_functions(lua_State* lua);
    static int note_line(lua_State* lua);
    static int look_up(lua_State* lua);
    static int run_script(lua_State* lua);
    static int call_charged(lua_State* lua);
    static int find_text(lua_State* lua);
    static int format_text(lua_State* lua);
    static int repeat_text(lua_State* lua);
    static int concat(lua_State* lua);
    static int insert(lua_State* lua);
    static int remove(lua_State* lua);
    static int sort(lua_State* lua);
    static int is_less(lua_State* lua);
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
