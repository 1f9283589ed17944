#pragma once

#include <filesystem>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/benchmark.h"
#include "tests/support/child.h"

/// Peers: programs in tests/benchmark/peers that do the workloads with other libraries or
/// languages.
///
///     asyncio_peer.py W1 10000     does W1 with 10,000 routines, and prints the time of an
///     operation
///
/// Each peer warms up itself and writes one line, "nanoseconds NUMBER".
namespace weir::benchmark {

inline std::filesystem::path own_folder() {
    return std::filesystem::canonical("/proc/self/exe").parent_path();
}

/// Returns the command that starts the peer. Returns an empty command if the peer is not installed,
/// and prints that once.
inline std::vector<std::string> peer_command(const Options& options, const std::string& name) {
    const std::string scripts = WEIR_SOURCE_DIR "/tests/benchmark/peers/";
    const std::string programs = own_folder().string() + "/peers/";
    std::vector<std::string> command;
    if (name == "asyncio") {
        command = {"python3", "-B", scripts + "asyncio_peer.py"};
    } else if (name == "Node") {
        command = {"node", scripts + "node_peer.js"};
    } else if (name == "Asio") {
        command = {programs + "asio_peer"};
    } else if (name == "libuv") {
        command = {programs + "uv_peer"};
    } else if (name == "VLCP") {
        if (options.original.empty()) {
            return {};
        }
        command = {"python3", "-B", scripts + "original_peer.py", options.original};
    } else {
        throw std::logic_error("no peer is called " + name);
    }
    if (!installed(command[0])) {
        static std::set<std::string> said;
        if (said.insert(name).second) {
            std::fprintf(stderr, "%s is not installed: this peer is left out\n", name.c_str());
        }
        return {};
    }
    return command;
}

/// Returns the contenders, followed by those of the installed peers. `words` are the peers'
/// arguments. A peer's time of one operation is multiplied by `operations`.
inline std::vector<Contender> with_peers(const Options& options, const std::string& workload,
                                         double operations, std::vector<Contender> contenders,
                                         const std::vector<std::string>& peers,
                                         const std::vector<std::string>& words) {
    if (options.once > 0 || options.sweep || !options.wants(workload)) {
        return contenders;
    }
    for (const std::string& name : peers) {
        std::vector<std::string> command = peer_command(options, name);
        if (command.empty()) {
            continue;
        }
        command.insert(command.end(), words.begin(), words.end());
        contenders.push_back({name,
                              [command, operations] {
                                  try {
                                      Child peer(command);
                                      return operations * std::stod(peer.wait_for("nanoseconds "));
                                  } catch (const std::runtime_error& error) {
                                      throw PeerFailed(error.what());
                                  }
                              },
                              Kind::peer});
    }
    return contenders;
}

}  // namespace weir::benchmark
