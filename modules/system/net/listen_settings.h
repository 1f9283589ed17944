#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <sys/types.h>

#include "config/settings/settings.h"
#include "modules/system/net/tls_settings.h"

namespace weir {

class AppCheck;
class Acceptor;
class Module;
struct ListenOptions;

// An address where a module listens, with what holds for its clients alone.
struct ListenSettings {
    std::string address;
    std::optional<std::string> mode;
    std::optional<std::string> group;
    std::optional<std::vector<std::string>> anonymous;
    std::vector<std::string> owner = {"admin"};
    std::optional<TlsSettings> tls;

    // Returns what the socket depends on, for comparison: other settings may change with a reload.
    std::string socket() const;
    // Returns mode and group. Throws std::runtime_error if this machine has no such group.
    ListenOptions options() const;
    // Returns what a tls:// address serves with; null for others. Reads the files. `options`: what
    // the module decides. Throws TlsError.
    std::shared_ptr<TlsContext> tls_context(TlsOptions options = {}) const;

    static config::Settings<ListenSettings> describe();
};

// A module's setting `listen`: addresses, each as a text or with what holds for its clients.
using Listen = std::vector<std::variant<std::string, ListenSettings>>;

// Returns the addresses in their order. Clients that have not logged in have the roles
// `anonymous` where an address does not say which.
std::vector<ListenSettings> listeners_of(const Listen& listen,
                                         const std::vector<std::string>& anonymous);

// Returns what is wrong with all addresses, so that the user mends them in one go; "" if nothing
// is. For Setting::check.
std::string wrong_listeners(const Listen& listen);

// Reports what of the addresses, the module's setting `listen`, does not fit the app or this
// machine: roles and groups that do not exist, files of TLS that cannot be used. A mistake in the
// name of a role would give clients other rights than those that are meant.
void check_listeners(const AppCheck& app, const std::vector<ListenSettings>& listeners);

// Requires that the roles of the addresses exist. Throws std::runtime_error that says which does
// not.
void check_roles(const Module& module, const std::vector<ListenSettings>& listeners);

// Logs where the module listens from now on, and warns if clients that do not log in may come from
// other machines.
void log_listening(const Module& module, const ListenSettings& listener, const Acceptor& server);

// Returns the permissions of a file from octal digits, as 0660; nothing if they are none.
std::optional<mode_t> file_mode(std::string_view digits);

}  // namespace weir
