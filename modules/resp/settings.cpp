#include "modules/resp/settings.h"

namespace weir::resp {

std::vector<ListenSettings> RespSettings::listeners() const {
    return listeners_of(listen,
                        password ? std::vector<std::string>() : std::vector<std::string>{"guest"});
}

config::Settings<RespSettings> RespSettings::describe() {
    using namespace config;
    using S = RespSettings;
    using std::chrono::milliseconds;
    return settings<S>(
        "Serves clients that speak the Redis protocol",
        setting(
            "listen", &S::listen,
            "Where to listen: tcp://host:port, tls://host:port, unix:/path, or systemd:name for "
            "sockets of the supervisor; a host's name is all its IPv4 and IPv6 addresses, and "
            "tcp://:port every address of the machine")
            .not_empty()
            .check(wrong_listeners)
            .fixed(),
        setting(
            "owner_socket", &S::owner_socket,
            "Listen beside each TCP port at a Unix socket in the runtime folder, where the user "
            "that runs the server is an admin; weir's commands take it for the port")
            .fixed(),
        setting("password", &S::password,
                "Password of the user 'default', who is an admin; with one, clients must log in "
                "before anything else; null: there is no such user")
            .length(1, 512)
            .secret(),
        setting(
            "max_clients", &S::max_clients,
            "Most clients at a time; weir answers a further client with an error and closes it. At "
            "the start weir raises its limit of open files to serve so many; if the system does "
            "not allow that, it serves fewer, and the log says so. Few more may connect at a "
            "Unix socket, if they may close clients, as the user that runs the server")
            .at_least(1)
            .unit("clients"),
        setting("max_clients_per_address", &S::max_clients_per_address,
                "Most clients at a time from one address, or one /64 network of IPv6; weir answers "
                "a further client with an error and closes it. Not for Unix sockets, nor for "
                "clients that may close others as they connect")
            .at_least(1)
            .unit("clients"),
        setting("max_locks", &S::max_locks, "Most locks that one client may hold")
            .at_least(1)
            .unit("locks"),
        setting("max_watches", &S::max_watches, "Most watches of events that one client may have")
            .at_least(1)
            .unit("watches"),
        setting("max_arguments", &S::max_arguments, "Most arguments of one request")
            .range(4, 1024 * 1024)
            .unit("arguments"),
        setting("max_argument", &S::max_argument, "Size of the longest argument")
            .range(ByteSize{64}, mebibytes(256)),
        setting("max_request", &S::max_request, "Size of all arguments of one request together")
            .range(ByteSize{256}, mebibytes(1024)),
        setting(
            "idle_timeout", &S::idle_timeout,
            "Closes a client that has sent nothing for so long, and neither holds a lock nor waits "
            "for one; 0: never")
            .fixed(),
        setting(
            "write_timeout", &S::write_timeout,
            "Closes a client that takes none of its replies, or whose machine acknowledges none, "
            "for so long, after twice as long at the latest; 0: never")
            .fixed(),
        setting(
            "tcp_keepalive", &S::tcp_keepalive,
            "Probes the machine of a client that has been silent for so long, or up to a quarter "
            "less: 6 times, a twelfth of that time apart, at least 1 s. Closes the client if no "
            "probe is answered; with 1m after 75 to 90 s. 0: never")
            .fixed(),
        setting("call_timeout", &S::call_timeout, "How long CALL may take; 0: without limit"),
        setting("shutdown_timeout", &S::shutdown_timeout,
                "How long weir waits for clients to close their side when it shuts down")
            .at_least(milliseconds(1))
            .fixed(),
        setting("priority", &S::priority, "Priority of requests and replies in the queue tree")
            .range(0, 10'000)
            .fixed());
}

}  // namespace weir::resp
