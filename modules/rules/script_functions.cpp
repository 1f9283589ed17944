#include <algorithm>
#include <cstring>
#include <iterator>
#include <new>

#include "config/text/nearest_name.h"
#include "modules/rules/script_state.h"

// What a script finds by name: values, and the functions that it has. The time of one call is
// bounded by the size of its arguments (see longest_text), and what it does is charged.
namespace weir::rules {

namespace {

constexpr const char* uncharged_functions[] = {"assert", "error", "ipairs",
                                               "next",   "pairs", "type"};
constexpr const char* charged_functions[] = {"select", "tonumber"};
constexpr const char* own_names[] = {"array", "math", "null", "string", "table", "tostring"};

void open_library(lua_State* lua, const char* name, lua_CFunction open) {
    lua_newtable(lua);
    luaL_requiref(lua, name, open, 0);
}

// Sets a field of the table below the library on the top of the stack to the library's function,
// or to one that calls it.
void add(lua_State* lua, const char* name, lua_CFunction caller = nullptr) {
    lua_getfield(lua, -1, name);
    if (caller != nullptr) {
        lua_pushcclosure(lua, caller, 1);
    }
    lua_setfield(lua, -3, name);
}

int call_wrapped(lua_State* lua) {
    return lua_tocfunction(lua, lua_upvalueindex(1))(lua);
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

// Lua itself would show the addresses of tables and functions.
void push_text(lua_State* lua, int index) {
    switch (lua_type(lua, index)) {
        case LUA_TTABLE:
        case LUA_TFUNCTION:
            lua_pushstring(lua, luaL_typename(lua, index));
            break;
        case LUA_TLIGHTUSERDATA:
            lua_pushliteral(lua, "null");
            break;
        default:
            luaL_tolstring(lua, index, nullptr);
    }
}

int to_text(lua_State* lua) {
    luaL_checkany(lua, 1);
    push_text(lua, 1);
    return 1;
}

// Called as a value that hides a function: calls that.
int call_hidden(lua_State* lua) {
    lua_pushvalue(lua, lua_upvalueindex(1));
    lua_replace(lua, 1);
    lua_call(lua, lua_gettop(lua) - 1, LUA_MULTRET);
    return lua_gettop(lua);
}

// The object on the top of the stack has the name at index 2. If a function has it, too, as `error`
// in `on_error`, the object can be called as the function.
void let_call_hidden(lua_State* lua) {
    push_key(lua, known_key);
    lua_pushvalue(lua, 2);
    if (lua_rawget(lua, -2) == LUA_TFUNCTION) {
        lua_newtable(lua);
        lua_insert(lua, -2);
        lua_pushcclosure(lua, call_hidden, 1);
        lua_setfield(lua, -2, "__call");
        lua_setmetatable(lua, -3);
        lua_pop(lua, 1);
    } else {
        lua_pop(lua, 2);
    }
}

}  // namespace

bool Script::has_function(std::string_view name) noexcept {
    const auto has = [name](const auto& names) {
        return std::ranges::find(names, name) != std::end(names);
    };
    return has(uncharged_functions) || has(charged_functions) || has(own_names);
}

// What is left out could reach other things than values (os, io, load, debug), call code that no
// limit reaches (coroutines, finalizers, patterns, which take exponential time), differ from run to
// run (random numbers), or hide from the limits (pcall).
void Script::State::add_functions(lua_State* lua) {
    open_library(lua, LUA_GNAME, luaopen_base);
    for (const char* const name : uncharged_functions) {
        add(lua, name);
    }
    for (const char* const name : charged_functions) {
        add(lua, name, call_charged);
    }
    lua_pop(lua, 1);
    lua_pushcfunction(lua, make_list);
    lua_setfield(lua, -2, "array");
    lua_pushcfunction(lua, to_text);
    lua_setfield(lua, -2, "tostring");
    lua_pushlightuserdata(lua, nullptr);
    lua_setfield(lua, -2, "null");

    open_library(lua, LUA_STRLIBNAME, luaopen_string);
    for (const char* const name : {"byte", "char", "len", "lower", "reverse", "sub", "upper"}) {
        add(lua, name, call_charged);
    }
    add(lua, "find", find_text);
    add(lua, "format", format_text);
    add(lua, "rep", repeat_text);
    lua_pop(lua, 1);
    // Texts have these as methods, too.
    lua_pushliteral(lua, "");
    lua_getmetatable(lua, -1);
    push_copy(lua, -3);
    lua_setfield(lua, -2, "__index");
    lua_pop(lua, 2);
    lua_setfield(lua, -2, LUA_STRLIBNAME);

    open_library(lua, LUA_TABLIBNAME, luaopen_table);
    add(lua, "concat", concat);
    add(lua, "insert", insert);
    add(lua, "remove", remove);
    add(lua, "sort", sort);
    add(lua, "unpack", unpack);
    lua_pop(lua, 1);
    lua_setfield(lua, -2, LUA_TABLIBNAME);

    luaL_requiref(lua, LUA_MATHLIBNAME, luaopen_math, 0);
    for (const char* const random : {"random", "randomseed"}) {
        lua_pushnil(lua);
        lua_setfield(lua, -2, random);
    }
    lua_setfield(lua, -2, LUA_MATHLIBNAME);
    lua_rawsetp(lua, LUA_REGISTRYINDEX, &known_key);
}

// Called for a global that has no value yet.
int Script::State::look_up(lua_State* lua) {
    State& state = of(lua);
    std::size_t size = 0;
    const char* const bytes = luaL_checklstring(lua, 2, &size);
    const std::string_view wanted(bytes, size);
    state.charge(1 + state.names->size());
    for (const Name& known : *state.names) {
        if (known.name == wanted) {
            const Json& value = (*state.frame)[known.slot];
            if (value.is_discarded()) {
                state.stop(Stopped::unknown_value);
            }
            state.push(value, 0);
            if (value.is_object()) {
                let_call_hidden(lua);
            }
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

// --- functions that are charged

// Charges for what the function has taken and returned.
int Script::State::call_charged(lua_State* lua) {
    State& state = of(lua);
    state.charge(static_cast<std::uint64_t>(lua_gettop(lua)));
    const int count = call_wrapped(lua);
    std::uint64_t work = static_cast<std::uint64_t>(count);
    for (int i = 1; i <= count; ++i) {
        if (lua_type(lua, -i) == LUA_TSTRING) {
            work += bytes_moved(lua_rawlen(lua, -i));
        }
    }
    state.charge(work);
    return count;
}

// Finds a text, not a pattern, in linear time.
int Script::State::find_text(lua_State* lua) {
    State& state = of(lua);
    std::size_t size = 0;
    std::size_t wanted_size = 0;
    const char* const text = luaL_checklstring(lua, 1, &size);
    const char* const wanted = luaL_checklstring(lua, 2, &wanted_size);
    lua_Integer begin = luaL_optinteger(lua, 3, 1);
    if (begin < 0) {
        begin += static_cast<lua_Integer>(size) + 1;
    }
    const auto skipped = static_cast<std::size_t>(std::max<lua_Integer>(begin, 1) - 1);
    const void* const found =
        skipped > size ? nullptr : ::memmem(text + skipped, size - skipped, wanted, wanted_size);
    if (found == nullptr) {
        state.charge(1 + bytes_moved(skipped > size ? 0 : size - skipped));
        lua_pushnil(lua);
        return 1;
    }
    const auto at = static_cast<std::size_t>(static_cast<const char*>(found) - text);
    state.charge(1 + bytes_moved(at - skipped + wanted_size));
    lua_pushinteger(lua, static_cast<lua_Integer>(at) + 1);
    lua_pushinteger(lua, static_cast<lua_Integer>(at + wanted_size));
    return 2;
}

int Script::State::format_text(lua_State* lua) {
    std::size_t size = 0;
    const char* const bytes = luaL_checklstring(lua, 1, &size);
    const std::string_view format(bytes, size);
    for (std::size_t i = format.find('%'); i < size; i = format.find('%', i + 1)) {
        i = std::min(format.find_first_not_of("-+#0 .123456789", i + 1), size);
        if (i < size && format[i] == 'p') {
            luaL_error(lua, "'%%p' would show an address");
        }
    }
    for (int i = 2; i <= lua_gettop(lua); ++i) {
        if (lua_type(lua, i) != LUA_TNIL && lua_type(lua, i) != LUA_TBOOLEAN &&
            lua_type(lua, i) != LUA_TNUMBER && lua_type(lua, i) != LUA_TSTRING) {
            push_text(lua, i);
            lua_replace(lua, i);
        }
    }
    return call_charged(lua);
}

// Also an empty text that is repeated takes time.
int Script::State::repeat_text(lua_State* lua) {
    of(lua).charge(bytes_moved(
        static_cast<std::uint64_t>(std::max<lua_Integer>(luaL_checkinteger(lua, 2), 0))));
    return call_charged(lua);
}

// The size of a table's list is what Lua takes for it: a script can make it any number, over which
// a function of a library would then loop.
void Script::State::charge_range(lua_Integer first, lua_Integer last) {
    if (last > first) {
        charge(static_cast<std::uint64_t>(last) - static_cast<std::uint64_t>(first));
    }
}

int Script::State::concat(lua_State* lua) {
    luaL_checktype(lua, 1, LUA_TTABLE);
    const auto size = static_cast<lua_Integer>(lua_rawlen(lua, 1));
    of(lua).charge_range(luaL_optinteger(lua, 3, 1), luaL_optinteger(lua, 4, size));
    return call_charged(lua);
}

int Script::State::insert(lua_State* lua) {
    luaL_checktype(lua, 1, LUA_TTABLE);
    if (lua_gettop(lua) == 3) {
        of(lua).charge_range(luaL_checkinteger(lua, 2),
                             static_cast<lua_Integer>(lua_rawlen(lua, 1)));
    }
    return call_charged(lua);
}

int Script::State::remove(lua_State* lua) {
    luaL_checktype(lua, 1, LUA_TTABLE);
    const auto size = static_cast<lua_Integer>(lua_rawlen(lua, 1));
    of(lua).charge_range(luaL_optinteger(lua, 2, size), size);
    return call_charged(lua);
}

int Script::State::sort(lua_State* lua) {
    luaL_checktype(lua, 1, LUA_TTABLE);
    State& state = of(lua);
    const std::uint64_t size = lua_rawlen(lua, 1);
    state.charge(size);
    if (lua_isnoneornil(lua, 2)) {
        lua_settop(lua, 1);
        lua_pushcfunction(lua, is_less);
    } else if (lua_iscfunction(lua, 2) != 0) {
        state.charge(20 * size);  // a function as math.ult charges for nothing
    }
    return call_wrapped(lua);
}

int Script::State::is_less(lua_State* lua) {
    const bool are_texts = lua_type(lua, 1) == LUA_TSTRING && lua_type(lua, 2) == LUA_TSTRING;
    of(lua).charge(1 +
                   (are_texts ? bytes_moved(std::min(lua_rawlen(lua, 1), lua_rawlen(lua, 2))) : 0));
    lua_pushboolean(lua, lua_compare(lua, 1, 2, LUA_OPLT));
    return 1;
}

int Script::State::unpack(lua_State* lua) {
    luaL_checktype(lua, 1, LUA_TTABLE);
    const auto size = static_cast<lua_Integer>(lua_rawlen(lua, 1));
    of(lua).charge_range(luaL_optinteger(lua, 2, 1), luaL_optinteger(lua, 3, size));
    return call_charged(lua);
}

}  // namespace weir::rules
