#include "modules/resp/settings.h"

#include <charconv>
#include <string_view>

#include "core/net/address.h"

namespace weir::resp {

namespace {

std::vector<ListenSettings> all_of(
    const std::vector<std::variant<std::string, ListenSettings>>& listeners) {
    std::vector<ListenSettings> all;
    for (const auto& listener : listeners) {
        if (const auto* address = std::get_if<std::string>(&listener)) {
            all.emplace_back().address = *address;
        } else {
            all.push_back(std::get<ListenSettings>(listener));
        }
    }
    return all;
}

// Returns what is wrong with all listeners, so that the user mends them in one go.
std::string wrong_listeners(
    const std::vector<std::variant<std::string, ListenSettings>>& listeners) {
    std::string wrong;
    const auto add = [&wrong](const std::string& what) {
        wrong += (wrong.empty() ? "" : "; ") + what;
    };
    for (const ListenSettings& listener : all_of(listeners)) {
        try {
            const Address address = Address::parse(listener.address);
            if (address.tls && !listener.tls) {
                add(listener.address + " needs a certificate and a key: {\"address\": \"" +
                    listener.address +
                    "\", \"tls\": {\"certificate\": \"FILE\", \"key\": \"FILE\"}}");
            }
            if (!address.tls && listener.tls) {
                add(listener.address + " has tls, and is no tls:// address");
            }
            if (address.kind != Address::Kind::unix_socket && (listener.mode || listener.group)) {
                add(listener.address + " is no Unix socket, and has neither mode nor group");
            }
        } catch (const AddressError& error) {
            add(error.what());
        }
    }
    return wrong;
}

std::string wrong_mode(const std::string& mode) {
    return file_mode(mode) ? "" : "is no mode of a file in octal digits, as 0660";
}

}  // namespace

std::optional<mode_t> file_mode(std::string_view digits) {
    unsigned mode = 0;
    const char* const end = digits.data() + digits.size();
    const auto [rest, wrong] = std::from_chars(digits.data(), end, mode, 8);
    if (wrong != std::errc() || rest != end || digits.size() < 3 || mode > 0777) {
        return {};
    }
    return mode;
}

std::string ListenSettings::socket() const {
    return address + " " + mode.value_or("") + " " + group.value_or("");
}

// A request that is not complete is not executed, and a client that goes without close_notify, as
// most do, has gone all the same.
std::shared_ptr<TlsContext> ListenSettings::tls_context() const {
    return tls ? tls->server_context({.require_close_notify = false}) : nullptr;
}

config::Settings<ListenSettings> ListenSettings::describe() {
    using namespace config;
    using S = ListenSettings;
    return settings<S>(
        "An address, and what holds for clients that connect to it",
        setting("address", &S::address, "Where to listen").not_empty().required(),
        setting("mode", &S::mode,
                "Unix sockets: permissions of the file, as 0660; null: as the system makes files")
            .check(wrong_mode),
        setting("group", &S::group, "Unix sockets: group of the file").not_empty(),
        setting("anonymous", &S::anonymous,
                "Roles of clients that have not logged in; null: guest, or none if there is a "
                "password"),
        setting("owner", &S::owner,
                "Roles of clients on this machine that run as the same user as the server, or at a "
                "Unix socket as root; none: they are clients as all others"),
        setting("tls", &S::tls, "Of a tls:// address"));
}

std::vector<ListenSettings> RespSettings::listeners() const {
    std::vector<ListenSettings> all = all_of(listen);
    for (ListenSettings& listener : all) {
        if (!listener.anonymous) {
            listener.anonymous.emplace();
            if (!password) {
                listener.anonymous->emplace_back("guest");
            }
        }
    }
    return all;
}

config::Settings<RespSettings> RespSettings::describe() {
    using namespace config;
    using S = RespSettings;
    using std::chrono::milliseconds;
    return settings<S>(
        "Serves clients that speak the Redis protocol",
        setting(
            "listen", &S::listen,
            "Where to listen: tcp://host:port, tls://host:port or unix:/path; a name is all its "
            "IPv4 and IPv6 addresses, and tcp://:port every address of the machine")
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
            "not allow that, it serves fewer, and the log says so")
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
