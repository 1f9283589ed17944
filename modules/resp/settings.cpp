#include "modules/resp/settings.h"

#include "core/net/address.h"

namespace weir::resp {

namespace {

// All that are wrong, so that one look at the file mends all.
std::string wrong_addresses(const std::vector<std::string>& addresses) {
    std::string wrong;
    for (const std::string& address : addresses) {
        try {
            static_cast<void>(Address::parse(address));
        } catch (const AddressError& error) {
            wrong += (wrong.empty() ? "" : "; ") + std::string(error.what());
        }
    }
    return wrong;
}

}  // namespace

config::Settings<RespSettings> RespSettings::describe() {
    using namespace config;
    using S = RespSettings;
    using std::chrono::milliseconds;
    return settings<S>(
        "Serves clients that speak the Redis protocol",
        setting("listen", &S::listen,
                "Where to listen: tcp://host:port or unix:/path; a name is all its IPv4 and IPv6 "
                "addresses, and tcp://:port every address of the machine")
            .not_empty()
            .check(wrong_addresses)
            .fixed(),
        setting("password", &S::password,
                "What clients must give with AUTH before anything else; null: nothing")
            .length(1, 512)
            .secret(),
        setting("max_clients", &S::max_clients,
                "Clients at a time; further clients get an error and are closed. The limit of open "
                "files is raised for them at the start; where it cannot be, fewer are served, and "
                "the log says so")
            .at_least(1)
            .unit("clients"),
        setting("max_locks", &S::max_locks, "Locks that one client may hold")
            .at_least(1)
            .unit("locks"),
        setting("max_watches", &S::max_watches, "Watches of events that one client may have")
            .at_least(1)
            .unit("watches"),
        setting("max_arguments", &S::max_arguments, "Arguments of one request")
            .range(4, 1024 * 1024)
            .unit("arguments"),
        setting("max_argument", &S::max_argument, "The longest argument")
            .range(ByteSize{64}, mebibytes(256)),
        setting("max_request", &S::max_request, "The arguments of one request, all together")
            .range(ByteSize{256}, mebibytes(1024)),
        setting("idle_timeout", &S::idle_timeout,
                "A client that is silent for so long, and neither holds a lock nor waits, is "
                "closed; 0: never")
            .fixed(),
        setting("write_timeout", &S::write_timeout,
                "A client that takes none of its replies, or whose machine acknowledges none, for "
                "so long is closed, after twice as long at the latest; 0: never")
            .fixed(),
        setting(
            "tcp_keepalive", &S::tcp_keepalive,
            "Silence, or up to a quarter less, after which the system asks whether the client's "
            "machine is still there: 6 times, a twelfth of that time apart, at least 1 s. "
            "Without any answer the client is closed; with 1m after 75 to 90 s. 0: never")
            .fixed(),
        setting("call_timeout", &S::call_timeout, "How long CALL may take; 0: any time"),
        setting("shutdown_timeout", &S::shutdown_timeout,
                "How long clients have to close their side when the server closes")
            .at_least(milliseconds(1))
            .fixed(),
        setting("priority", &S::priority, "Of requests and replies in the queue tree")
            .range(0, 10'000)
            .fixed());
}

}  // namespace weir::resp
