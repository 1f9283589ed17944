#include <cmath>
#include <cstdint>
#include <limits>

#include "config/text/utf8.h"
#include "modules/rules/script_state.h"

// Values of JSON on their way into a script and out of it.
namespace weir::rules {

namespace {

constexpr int deepest = 100;  // tables in tables
constexpr std::size_t sizeof_member = sizeof(Json::object_t::value_type) + 4 * sizeof(void*);

}  // namespace

void Script::State::push(const Json& value, int depth) {
    charge(1);
    luaL_checkstack(lua, 4, "a value");
    if (depth > deepest) {
        luaL_error(lua, "a value has more than %d levels", deepest);
    }
    switch (value.type()) {
        case Json::value_t::boolean:
            lua_pushboolean(lua, value.get<bool>() ? 1 : 0);
            break;
        case Json::value_t::number_integer:
            lua_pushinteger(lua, value.get<std::int64_t>());
            break;
        case Json::value_t::number_unsigned:
            if (value.get<std::uint64_t>() >
                static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
                luaL_error(lua, "an integer of more than 63 bits is none in Lua");
            }
            lua_pushinteger(lua, value.get<std::int64_t>());
            break;
        case Json::value_t::number_float:
            lua_pushnumber(lua, value.get<double>());
            break;
        case Json::value_t::string: {
            const auto& text_value = value.get_ref<const std::string&>();
            charge(bytes_moved(text_value.size()));
            lua_pushlstring(lua, text_value.data(), text_value.size());
            break;
        }
        case Json::value_t::array: {
            lua_newtable(lua);
            push_key(lua, list_key);
            lua_setmetatable(lua, -2);
            lua_Integer position = 0;
            for (const Json& element : value) {
                push(element, depth + 1);
                lua_rawseti(lua, -2, ++position);
            }
            break;
        }
        case Json::value_t::object:
            lua_newtable(lua);
            push_key(lua, object_key);
            lua_setmetatable(lua, -2);
            for (auto member = value.begin(); member != value.end(); ++member) {
                charge(bytes_moved(member.key().size()));
                lua_pushlstring(lua, member.key().data(), member.key().size());
                push(member.value(), depth + 1);
                lua_rawset(lua, -3);
            }
            break;
        default:
            lua_pushlightuserdata(lua, nullptr);
    }
}

// Charges for each part: a table that stands in many places becomes as many values.
void Script::State::read(int index, Json& into, int depth) {
    charge(1);
    add_to_result(sizeof(Json));
    luaL_checkstack(lua, 4, "a result");
    if (depth > deepest) {
        luaL_error(lua, "the result has more than %d levels, or contains itself", deepest);
    }
    switch (lua_type(lua, index)) {
        case LUA_TNIL:
        case LUA_TLIGHTUSERDATA:
            into = nullptr;
            break;
        case LUA_TBOOLEAN:
            into = lua_toboolean(lua, index) != 0;
            break;
        case LUA_TNUMBER:
            if (lua_isinteger(lua, index) != 0) {
                into = static_cast<std::int64_t>(lua_tointeger(lua, index));
            } else if (std::isfinite(lua_tonumber(lua, index))) {
                into = lua_tonumber(lua, index);
            } else {
                luaL_error(lua, "the result has a number that JSON has not: %f",
                           lua_tonumber(lua, index));
            }
            break;
        case LUA_TSTRING: {
            std::size_t size = 0;
            const char* const bytes = lua_tolstring(lua, index, &size);
            charge(bytes_moved(size));
            if (config::utf8_prefix(std::string_view(bytes, size)) != size) {
                luaL_error(lua, "the result has a text that is not UTF-8");
            }
            add_to_result(sizeof(std::string) + size);
            into = std::string(bytes, size);
            break;
        }
        case LUA_TTABLE: {
            bool is_list = false;
            bool is_marked = false;
            if (lua_getmetatable(lua, index) != 0) {
                push_key(lua, list_key);
                is_list = lua_rawequal(lua, -1, -2) != 0;
                is_marked = true;
                lua_pop(lua, 2);
            }
            const std::size_t size = lua_rawlen(lua, index);
            if (is_list || (!is_marked && size != 0)) {
                read_list(index, size, into, depth);
            } else {
                read_object(index, into, depth);
            }
            break;
        }
        default:
            luaL_error(lua, "the result has a %s, which is no value", luaL_typename(lua, index));
    }
}

void Script::State::read_list(int index, std::size_t size, Json& into, int depth) {
    add_to_result(sizeof(Json::array_t));
    into = Json::array();
    for (std::size_t i = 1; i <= size; ++i) {
        if (lua_rawgeti(lua, index, static_cast<lua_Integer>(i)) == LUA_TNIL) {
            luaL_error(lua, "the result has a list without its element %d", static_cast<int>(i));
        }
        into.push_back(nullptr);
        read(lua_gettop(lua), into.back(), depth + 1);
        lua_pop(lua, 1);
    }
    std::size_t all = 0;
    lua_pushnil(lua);
    while (lua_next(lua, index) != 0) {
        lua_pop(lua, 1);
        ++all;
    }
    if (all != size) {
        luaL_error(lua, "the result has a table that is neither a list nor an object");
    }
}

void Script::State::read_object(int index, Json& into, int depth) {
    add_to_result(sizeof(Json::object_t));
    into = Json::object();
    lua_pushnil(lua);
    while (lua_next(lua, index) != 0) {
        if (lua_type(lua, -2) != LUA_TSTRING) {
            luaL_error(lua, "the result has a table that is neither a list nor an object");
        }
        std::size_t size = 0;
        const char* const bytes = lua_tolstring(lua, -2, &size);
        charge(bytes_moved(size));
        if (config::utf8_prefix(std::string_view(bytes, size)) != size) {
            luaL_error(lua, "the result has a name that is not UTF-8");
        }
        add_to_result(sizeof_member + size);
        Json& member = into[std::string(bytes, size)];
        read(lua_gettop(lua), member, depth + 1);
        lua_pop(lua, 1);
    }
}

}  // namespace weir::rules
