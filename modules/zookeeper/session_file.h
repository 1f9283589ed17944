#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "modules/zookeeper/session_key.h"

namespace weir::zookeeper {

// The file in which a process notes its session, so that the next process of the program can end
// the session if this one is killed: what the session held is then free at once, and not only
// after its timeout.
//
// Each process has a file of its own in the folder, which only its user may read, and keeps it
// locked as long as it lives, also while it stands still. A file that is not locked is that of a
// process that has died. The lock works within one machine: files that were written on another
// one, or before the machine was started, are left alone.
class SessionFile {
public:
    // Makes the file of this process, and the folder if it is missing. `servers` names those of
    // the session. Throws std::system_error.
    SessionFile(const std::filesystem::path& folder, std::string servers);
    // Returns the files of dead processes that have noted a session with these servers. Each is
    // locked, so that one process alone ends the session. Throws std::system_error.
    static std::vector<SessionFile> left_behind(const std::filesystem::path& folder,
                                                const std::string& servers);

    SessionFile(SessionFile&& other) noexcept
        : path_(std::move(other.path_)),
          servers_(std::move(other.servers_)),
          descriptor_(std::exchange(other.descriptor_, -1)) {}
    SessionFile& operator=(SessionFile&&) = delete;
    // Leaves the file behind, and unlocked.
    ~SessionFile();

    // Throws std::system_error.
    void write(const SessionKey& key);
    // Returns what is noted; nothing if that is no session with the servers of this file.
    std::optional<SessionKey> read() const;
    // Deletes the file: the session has ended.
    void remove() noexcept;

private:
    SessionFile(std::filesystem::path path, std::string servers, int descriptor) noexcept
        : path_(std::move(path)), servers_(std::move(servers)), descriptor_(descriptor) {}

    std::filesystem::path path_;
    std::string servers_;
    int descriptor_;
};

}  // namespace weir::zookeeper
