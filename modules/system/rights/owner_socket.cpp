#include "modules/system/rights/owner_socket.h"

#include <algorithm>
#include <cerrno>
#include <cstdlib>

#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

namespace weir {

namespace {

// Of root, and of the service lockd.
constexpr const char* root_folder = "/run/weir";
constexpr const char* service_folder = "/run/lockd";

std::string variable(const char* name) {
    const char* value = std::getenv(name);
    return value == nullptr ? "" : value;
}

std::string user_folder() {
    const std::string folder = variable("XDG_RUNTIME_DIR");
    return folder.empty() ? "" : folder + "/weir";
}

std::string socket_in(const std::string& folder, std::uint16_t port) {
    return folder + "/" + std::to_string(port) + ".sock";
}

// The folder of a server; "" if there is none. Only the last part of it may be missing.
std::string server_folder() {
    // systemd gives a list.
    std::string folder = variable("RUNTIME_DIRECTORY");
    folder.resize(std::min(folder.find(':'), folder.size()));
    if (folder.empty()) {
        folder = user_folder();
    }
    return folder.empty() && geteuid() == 0 ? root_folder : folder;
}

}  // namespace

std::optional<std::string> owner_socket_path(std::uint16_t port) {
    const std::string folder = server_folder();
    if (folder.empty() || (mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST) ||
        access(folder.c_str(), W_OK | X_OK) != 0) {
        return {};
    }
    std::string path = socket_in(folder, port);
    if (path.size() >= sizeof(sockaddr_un::sun_path)) {
        return {};
    }
    return path;
}

std::vector<std::string> owner_sockets(std::uint16_t port) {
    std::vector<std::string> found;
    for (const std::string& folder :
         {user_folder(), std::string(root_folder), std::string(service_folder)}) {
        struct stat file {};
        const std::string path = socket_in(folder, port);
        if (!folder.empty() && stat(path.c_str(), &file) == 0 && S_ISSOCK(file.st_mode)) {
            found.push_back(path);
        }
    }
    return found;
}

}  // namespace weir
