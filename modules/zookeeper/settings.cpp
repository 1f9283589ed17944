#include "modules/zookeeper/settings.h"

#include <algorithm>
#include <utility>

#include "core/tls/tls_context.h"
#include "modules/zookeeper/credentials.h"

namespace weir::zookeeper {

using config::setting;
using config::settings;
using std::chrono::milliseconds;

config::Settings<ZooKeeperSettings::Credentials> ZooKeeperSettings::Credentials::describe() {
    return settings<Credentials>(
        "What the servers are told of who this is",
        setting("scheme", &Credentials::scheme,
                "Scheme, as the servers know it: digest, or sasl for a login by DIGEST-MD5")
            .not_empty(),
        setting("text", &Credentials::text, "For the schemes digest and sasl: USER:PASSWORD")
            .not_empty()
            .required()
            .secret());
}

namespace {

std::vector<Credentials> told(const std::vector<ZooKeeperSettings::Credentials>& credentials) {
    std::vector<Credentials> result;
    for (const ZooKeeperSettings::Credentials& one : credentials) {
        result.push_back({one.scheme, one.text});
    }
    return result;
}

// S is ZooKeeperSettings, or derived from it.
template <class S>
config::Settings<S> describe_session(std::string sentence, std::string root, auto... others) {
    return settings<S>(
        std::move(sentence),
        setting("servers", &S::servers,
                "The servers, as tcp://HOST:PORT, tls://HOST:PORT or HOST; they are tried in a "
                "random order")
            .not_empty()
            .required()
            .fixed(),
        setting("root", &S::root, std::move(root)).fixed(),
        setting("session_timeout", &S::session_timeout,
                "How long the servers keep the session without a sign of life; they may grant "
                "another time")
            .range(milliseconds(100), std::chrono::hours(1))
            .fixed(),
        setting("request_timeout", &S::request_timeout,
                "How long a request waits for an answer, and for a connection")
            .at_least(milliseconds(1))
            .fixed(),
        setting("credentials", &S::credentials, "Told to each server")
            .check([](const std::vector<ZooKeeperSettings::Credentials>& all) {
                return wrong_credentials(told(all));
            })
            .fixed(),
        setting("certificate_authorities", &S::certificate_authorities,
                "For tls:// servers: file with the authorities that sign their certificates; null: "
                "those of the system")
            .fixed(),
        std::move(others)...);
}

}  // namespace

config::Settings<ZooKeeperSettings> ZooKeeperSettings::describe() {
    return describe_session<ZooKeeperSettings>(
        "Keeps a session with servers of ZooKeeper",
        "All paths are below this node, which must be there; empty: below '/'");
}

config::Settings<ZooKeeperLocksSettings> ZooKeeperLocksSettings::describe() {
    return describe_session<ZooKeeperLocksSettings>(
        "Servers of ZooKeeper decide about the locks, which all processes with the same servers "
        "and root share",
        "The nodes of the locks are below this node, which is made if it is missing",
        setting("writers", &ZooKeeperLocksSettings::writers,
                "How the nodes of exclusive locks are named, so that Curator shares them: lock for "
                "its InterProcessMutex, writ for its InterProcessReadWriteLock; all clients of one "
                "root have to do the same")
            .fixed());
}

SessionOptions ZooKeeperSettings::options() const {
    SessionOptions result;
    result.servers = servers;
    result.root = root;
    result.timeout = session_timeout;
    result.request_timeout = request_timeout;
    result.credentials = told(credentials);
    if (std::ranges::any_of(servers, [](const auto& one) { return one.starts_with("tls://"); })) {
        result.tls = TlsContext::client({.authorities = certificate_authorities.value_or("")});
    }
    return result;
}

}  // namespace weir::zookeeper
