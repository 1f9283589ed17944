#pragma once

#include <string>
#include <string_view>

namespace weir::zookeeper {

// The names of nodes: '/', or '/a/b'.

// Throws std::invalid_argument, which says why, if the text is no absolute path of a node: empty
// names, "." and "..", zero bytes and a '/' at the end are not allowed.
void check_path(std::string_view path);

// Returns the parent of a path other than '/'.
std::string_view parent_of(std::string_view path) noexcept;
// Returns the last name of a path.
std::string_view name_of(std::string_view path) noexcept;
// Returns the path of a child.
std::string child_of(std::string_view path, std::string_view name);

// Moves paths below a root, "chroot": the user of a Session sees that as '/'.
class Chroot {
public:
    // "" and "/" are no root. Throws std::invalid_argument, see check_path.
    explicit Chroot(std::string root);

    const std::string& root() const noexcept { return root_; }  // "": none
    // Returns the path as the servers know it.
    std::string outside(std::string_view path) const;
    // Returns the path as the user knows it. A path that is not below the root stays as it is.
    std::string inside(std::string path) const;

private:
    std::string root_;
};

// Makes one name of any text, and of different texts different names: what a name must not contain,
// and '%', becomes %XX. The empty text is "%".
std::string escape_name(std::string_view text);
// Returns the text of which escape_name() has made the name; of other names, the name itself.
std::string unescape_name(std::string_view name);

}  // namespace weir::zookeeper
