#include "modules/system/call/caller.h"

#include <stdexcept>

#include <catch2/catch.hpp>

#include "core/wait/timeout.h"
#include "modules/system/call/call.h"
#include "modules/system/call/json.h"
#include "modules/system/module/module.h"
#include "modules/testing/simulated_server.h"

namespace weir {

namespace {

Role role(std::vector<std::string> may, std::vector<std::string> keys = {"*"},
          std::vector<std::string> contexts = {"*"}) {
    return Role({.may = std::move(may), .keys = std::move(keys), .contexts = std::move(contexts)});
}

Ref<AccessRules> rules_with(std::map<std::string, RoleSettings> roles, AccessRules::Users users) {
    Ref<AccessRules> rules(new AccessRules);
    rules->change(roles, std::move(users));
    return rules;
}

std::string refusal(const Caller& caller, const Right& right) {
    const std::optional<ApiError> error = caller.refusal(right);
    return error ? to_text(*error) : "";
}

// Tells its callers who they are.
class Mirror final : public Module {
public:
    using Module::Module;

    static auto declare() {
        return declare_module<Mirror>("mirror", "Tells who calls")
            .function("who", "The name of the caller", &Mirror::who)
            .function("later", "The same, later", &Mirror::later)
            .function("pass", "Asks itself, as a module does", &Mirror::pass)
            .public_function("shared", "Is public", &Mirror::shared)
            .function("look", "Shows something", &Mirror::shared)
            .reads({"look"});
    }

private:
    std::string who(const NoParameters&, const Caller& caller) const { return caller.user(); }
    Task<std::string> later(NoParameters, const Caller& caller) {
        co_await sleep(std::chrono::seconds(1));
        co_return caller.user();
    }
    Task<Json> pass() {
        const ApiResult<Json> answer = co_await call("mirror", "who");
        co_return answer.value();
    }
    int shared() const { return 7; }
};

Registry mirrors() {
    Registry registry;
    registry.add<Mirror>();
    return registry;
}

constexpr std::string_view with_mirror =
    R"({"server": {"startup": ["mirror"], "proxies": {"glass": "mirror"}, "roles": {
        "asker": {"may": ["mirror.who", "mirror.later", "mirror.pass"]},
        "liar": {"may": ["glass.*", "public.*", "mirror.wh", "*.whoo"]}}}})";

Task<std::string> answer(Ref<Caller> caller, std::string module, std::string function) {
    const ApiResult<Json> result =
        co_await call_for(std::move(caller), ApiName(module, function), Json());
    co_return result ? result.value().dump() : result.error().code;
}

}  // namespace

TEST_CASE("a role allows the functions that its patterns name") {
    const Role worker = role({"lock.*", "bakery.order", "b?r.open"});
    CHECK(worker.allows({"lock", "acquire"}));
    CHECK(worker.allows({"bakery", "order"}));
    CHECK(worker.allows({"bar", "open"}));
    CHECK_FALSE(worker.allows({"bakery", "orders"}));
    CHECK_FALSE(worker.allows({"bakery", "Order"}));
    CHECK_FALSE(worker.allows({"locks", "acquire"}));
    CHECK_FALSE(worker.allows({"manager", "modules", true}));
    CHECK(role({"@reading"}).allows({"manager", "modules", true}));
    CHECK_FALSE(role({"@reading"}).allows({"manager", "unload"}));
    CHECK(role({"*"}).allows({"manager", "unload"}));
    CHECK_FALSE(role({}).allows({"manager", "modules", true}));
}

TEST_CASE("no name of a module or function imitates another") {
    const Role worker = role({"lock.*"});
    CHECK_FALSE(worker.allows({"lock.x", "y"}));
    CHECK_FALSE(worker.allows({"manager", "lock.acquire"}));
    CHECK_FALSE(worker.allows({"", "lock.acquire"}));
    CHECK_FALSE(worker.allows({std::string_view("lock\0", 5), "acquire"}));
    CHECK_FALSE(role({"*.modules"}).allows({"manager", "modules.unload"}));
    CHECK(role({"a\\*.b"}).allows({"a*", "b"}));
    CHECK_FALSE(role({"a\\*.b"}).allows({"ax", "b"}));
}

TEST_CASE("a pattern that names no function is refused") {
    for (const char* wrong : {"", "lock", "lock.", ".list", "a.b.c", "@writing", "**"}) {
        CAPTURE(wrong);
        CHECK_THROWS_AS(role({wrong}), std::invalid_argument);
    }
}

TEST_CASE(
    "a role allows its functions for its locks only, and roles do not lend each other locks") {
    const Right acquire{"lock", "acquire"};
    const Role orders = role({"lock.acquire"}, {"orders:*"}, {"shop"});
    CHECK(orders.allows(acquire, {"shop", "orders:7"}));
    CHECK_FALSE(orders.allows(acquire, {"shop", "order"}));
    CHECK_FALSE(orders.allows(acquire, {"default", "orders:7"}));
    const Ref<AccessRules> rules =
        rules_with({{"reader", {.may = {"lock.list"}}},
                    {"worker", {.may = {"lock.acquire"}, .keys = {"orders:*"}}}},
                   {{"ann", {"reader", "worker"}}});
    const Caller user(rules, "ann");
    CHECK(user.may({"lock", "list"}, {"default", "secret"}));
    CHECK_FALSE(user.may(acquire, {"default", "secret"}));
    CHECK(user.may(acquire, {"default", "orders:1"}));
}

TEST_CASE("a refusal says which right is missing, and which roles have it") {
    const Ref<AccessRules> rules = rules_with(
        {{"baker", {.may = {"bakery.*"}}}, {"worker", {.may = {"lock.*"}, .keys = {"a"}}}},
        {{"ann", {"worker"}}, {"ben", {}}});
    CHECK(refusal(Caller(rules, "ann"), {"bakery", "close"}) ==
          "denied: the user 'ann' (role 'worker') has no right to bakery.close; the roles 'admin', "
          "'baker' have it");
    CHECK(refusal(Caller(rules, "ben"), {"manager", "unload"}) ==
          "denied: the user 'ben' has no right to manager.unload; the role 'admin' has it");
    CHECK(refusal(Caller(rules, "", {"guest"}), {"manager", "unload"}) ==
          "denied: a client that has not logged in (role 'guest') has no right to manager.unload; "
          "the role 'admin' has it");
    CHECK(refusal(Caller(rules, ""), {"manager", "modules", true}) ==
          "denied: a client that has not logged in has no right to manager.modules; the roles "
          "'admin', 'guest' have it");
    CHECK(to_text(*Caller(rules, "ann").refusal({"lock", "acquire"}, {"default", "b"})) ==
          "denied: the user 'ann' (role 'worker') has no right to lock.acquire for the key 'b' of "
          "the context 'default'; the roles 'admin', 'guest' have it");
    CHECK(refusal(Caller::inside(), {"manager", "unload"}).empty());
}

TEST_CASE("a call from outside is checked where it begins, by the module that takes it") {
    SimulatedServer world(with_mirror, mirrors());
    const auto test = [](SimulatedServer& own) -> Task<> {
        const Ref<AccessRules> rules = own.server().access().rules();
        const Ref<Caller> asker(new Caller(rules, "ann", {"asker"}));
        CHECK(co_await answer(asker, "mirror", "who") == "\"ann\"");
        CHECK(co_await answer(asker, "mirror", "later") == "\"ann\"");
        CHECK(co_await answer(asker, "glass", "who") == "\"ann\"");
        CHECK(co_await answer(asker, "mirror", "look") == "denied");
        CHECK(co_await answer(asker, "mirror", "shared") == "denied");
        CHECK(co_await answer(asker, "public", "shared") == "denied");
        CHECK(co_await answer(asker, "mirror", "discover") == "denied");
        // A module acts for itself.
        CHECK(co_await answer(asker, "mirror", "pass") == "\"\"");
        // The names by which a call comes do not count.
        const Ref<Caller> liar(new Caller(rules, "ben", {"liar"}));
        CHECK(co_await answer(liar, "glass", "who") == "denied");
        CHECK(co_await answer(liar, "public", "shared") == "denied");
        CHECK(co_await answer(liar, "mirror", "who") == "denied");
        const Ref<Caller> guest(new Caller(rules, "", {"guest"}));
        CHECK(co_await answer(guest, "mirror", "look") == "7");
        CHECK((co_await answer(guest, "mirror", "discover")).starts_with("{"));
        CHECK(co_await answer(guest, "mirror", "who") == "denied");
        CHECK(co_await answer(nullptr, "mirror", "who") == "\"\"");
    };
    world.run(test(world));
}

TEST_CASE("a role that is taken away while a client is connected is gone at its next call") {
    SimulatedServer world(with_mirror, mirrors());
    const auto test = [](SimulatedServer& own) -> Task<> {
        const Ref<Caller> asker(new Caller(own.server().access().rules(), "ann", {"asker"}));
        CHECK(co_await answer(asker, "mirror", "who") == "\"ann\"");
        own.server().reconfigure(SimulatedServer::read(R"({"server": {"startup": ["mirror"]}})"));
        CHECK(co_await answer(asker, "mirror", "who") == "denied");
    };
    world.run(test(world));
}

}  // namespace weir
