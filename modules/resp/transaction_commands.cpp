// MULTI, EXEC and DISCARD: several requests as one.

#include <array>

#include "modules/resp/command.h"
#include "modules/resp/session.h"

namespace weir::resp {

namespace {

void multi(Session& session, const Request&) {
    if (session.transaction()) {
        session.error("MULTI calls can not be nested");
        return;
    }
    session.transaction().emplace();
    session.ok();
}

Task<> exec(Session& session, const Request&) {
    if (!session.transaction()) {
        session.error("EXEC without MULTI");
        co_return;
    }
    co_await session.execute_transaction();
}

void discard(Session& session, const Request&) {
    if (!session.transaction()) {
        session.error("DISCARD without MULTI");
        return;
    }
    session.transaction().reset();
    session.ok();
}

constexpr std::array transaction_table{
    Command{.name = "DISCARD",
            .summary = "Forgets the requests since MULTI",
            .group = "transactions",
            .needs = Needs::nothing(),
            .ends_transaction = true,
            .run = discard},
    Command{.name = "EXEC",
            .summary = "Executes the requests since MULTI in order; a LOCK among them may wait",
            .group = "transactions",
            .needs = Needs::nothing(),
            .ends_transaction = true,
            .run_long = exec},
    Command{.name = "MULTI",
            .summary = "Collects the requests that follow, until EXEC or DISCARD",
            .group = "transactions",
            .needs = Needs::nothing(),
            .ends_transaction = true,
            .run = multi},
};
static_assert(all_say_what_they_need(transaction_table));

}  // namespace

std::span<const Command> transaction_commands() noexcept {
    return transaction_table;
}

}  // namespace weir::resp
