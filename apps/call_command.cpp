#include "apps/call_command.h"

#include <cstdio>
#include <cstdlib>

#include <nlohmann/json.hpp>

#include "apps/exit_code.h"
#include "apps/resp_client.h"

namespace weir::app {

int run_call_command(const std::string& address, const std::string& module,
                     const std::string& function, const std::string& parameters) {
    if (!nlohmann::json::accept(parameters)) {
        std::fprintf(stderr, "weir call: the parameters are no JSON: %s\n", parameters.c_str());
        return wrong_usage;
    }
    try {
        RespClient client(address);
        if (const char* password = std::getenv("WEIR_PASSWORD")) {
            const Reply reply = client.command({"AUTH", password});
            if (reply.kind() == Reply::Kind::error) {
                throw ConnectionError("AUTH: " + std::string(reply.text()));
            }
        }
        const Reply reply = client.command({"CALL", module, function, parameters});
        const std::string text(reply.kind() == Reply::Kind::nothing ? "null" : reply.text());
        if (reply.kind() == Reply::Kind::error) {
            std::fprintf(stderr, "weir call: %s\n", text.c_str());
            return failure;
        }
        const auto result = nlohmann::ordered_json::parse(text, nullptr, false);
        std::puts(result.is_discarded() ? text.c_str() : result.dump(2).c_str());
        return success;
    } catch (const std::exception& error) {
        std::fprintf(stderr, "weir call: %s\n", error.what());
        return failure;
    }
}

}  // namespace weir::app
