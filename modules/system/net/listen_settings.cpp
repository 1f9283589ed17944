#include "modules/system/net/listen_settings.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <stdexcept>
#include <utility>

#include <grp.h>

#include "config/text/nearest_name.h"
#include "config/text/quoted.h"
#include "core/net/acceptor.h"
#include "core/net/address.h"
#include "core/net/listener.h"
#include "modules/system/module/app_check.h"
#include "modules/system/module/module.h"
#include "modules/system/rights/access.h"

namespace weir {

namespace {

std::string wrong_mode(const std::string& mode) {
    return file_mode(mode) ? "" : "is no mode of a file in octal digits, as 0660";
}

std::string wrong_listener(const ListenSettings& listener) {
    try {
        const Address address = Address::parse(listener.address);
        if (address.tls && !listener.tls) {
            return listener.address + " needs a certificate and a key: {\"address\": \"" +
                   listener.address +
                   "\", \"tls\": {\"certificate\": \"FILE\", \"key\": \"FILE\"}}";
        }
        const bool may_have_tls = address.tls || address.kind == Address::Kind::systemd;
        if (!may_have_tls && listener.tls) {
            return listener.address + " has tls, and is no tls:// address";
        }
        if (address.kind != Address::Kind::unix_socket && (listener.mode || listener.group)) {
            return listener.address + " is no Unix socket, and has neither mode nor group";
        }
    } catch (const AddressError& error) {
        return error.what();
    }
    return "";
}

gid_t group_number(const std::string& name) {
    std::array<char, 16 * 1024> memory{};
    ::group entry{};
    ::group* found = nullptr;
    ::getgrnam_r(name.c_str(), &entry, memory.data(), memory.size(), &found);
    if (found == nullptr) {
        throw std::runtime_error("this machine has no group '" + config::printable(name) + "'");
    }
    return found->gr_gid;
}

// Returns which role of the address does not exist, with the nearest name; "" if all do.
std::string wrong_roles(const ListenSettings& listener, const AccessRules& rules) {
    for (const auto* roles : {&*listener.anonymous, &listener.owner}) {
        for (const std::string& role : *roles) {
            if (rules.role(role) == nullptr) {
                return config::unknown_name("role", role, rules.role_names());
            }
        }
    }
    return "";
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
    const bool adds_tls = tls && address.starts_with("systemd:");  // others say it themselves
    return address + " " + mode.value_or("") + " " + group.value_or("") + (adds_tls ? " tls" : "");
}

ListenOptions ListenSettings::options() const {
    ListenOptions options;
    if (mode) {
        options.unix_mode = file_mode(*mode);
    }
    if (group) {
        options.unix_group = group_number(*group);
    }
    return options;
}

std::shared_ptr<TlsContext> ListenSettings::tls_context(TlsOptions options) const {
    return tls ? tls->server_context(std::move(options)) : nullptr;
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
                "Roles of clients that have not logged in; null: guest, or none if the module has "
                "a password"),
        setting("owner", &S::owner,
                "Roles of clients that run as the same user as the server: at a Unix socket, where "
                "root counts too, and for resp at a loopback port without password; none: they are "
                "clients as all others"),
        setting("tls", &S::tls, "Of a tls:// address; a systemd: address that has it serves TLS"));
}

std::vector<ListenSettings> listeners_of(const Listen& listen,
                                         const std::vector<std::string>& anonymous) {
    std::vector<ListenSettings> all;
    for (const auto& listener : listen) {
        if (const auto* address = std::get_if<std::string>(&listener)) {
            all.emplace_back().address = *address;
        } else {
            all.push_back(std::get<ListenSettings>(listener));
        }
        if (!all.back().anonymous) {
            all.back().anonymous = anonymous;
        }
    }
    return all;
}

std::string wrong_listeners(const Listen& listen) {
    std::string wrong;
    for (const ListenSettings& listener : listeners_of(listen, {})) {
        if (const std::string what = wrong_listener(listener); !what.empty()) {
            wrong += (wrong.empty() ? "" : "; ") + what;
        }
    }
    return wrong;
}

void check_listeners(const AppCheck& app, const std::vector<ListenSettings>& listeners) {
    const Ref<AccessRules> rules = app.roles();
    for (std::size_t i = 0; i != listeners.size(); ++i) {
        const ListenSettings& listener = listeners[i];
        config::Path path = app.section() / "listen";
        path.push(i);
        if (const std::string wrong = wrong_roles(listener, *rules); !wrong.empty()) {
            app.report(path, wrong);
        }
        try {
            listener.options();
        } catch (const std::runtime_error& error) {
            app.report_at_start(path / "group", error.what());
        }
        if (listener.tls) {
            check_tls(app, *listener.tls, path / "tls");
        }
    }
}

void check_roles(const Module& module, const std::vector<ListenSettings>& listeners) {
    for (const ListenSettings& listener : listeners) {
        if (const std::string wrong = wrong_roles(listener, *module.access().rules());
            !wrong.empty()) {
            throw std::runtime_error("module." + module.name() + ".listen: " + wrong);
        }
    }
}

void log_listening(const Module& module, const ListenSettings& listener, const Acceptor& server) {
    for (const std::string& url : server.urls()) {
        module.log().info("listens at {}", url);
    }
    const bool knows_clients = listener.tls && listener.tls->client_ca;
    if (listener.anonymous->empty() || knows_clients ||
        std::ranges::all_of(server.addresses(), &SocketAddress::is_local)) {
        return;
    }
    std::string roles;
    for (const std::string& role : *listener.anonymous) {
        roles += (roles.empty() ? "'" : ", '") + role + "'";
    }
    module.log().warning(
        "listens at {} for clients that do not log in: every machine that reaches this one may do "
        "what the role {} allows",
        listener.address, roles);
}

}  // namespace weir
