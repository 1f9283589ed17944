#include "modules/zookeeper/path.h"

#include <cassert>
#include <cstdio>
#include <stdexcept>
#include <utility>

namespace weir::zookeeper {
namespace {

constexpr std::string_view hexadecimal = "0123456789ABCDEF";

// Servers refuse names that are not UTF-8, and some characters beyond ASCII.
bool may_be_in_name(char c) noexcept {
    return c > 0x20 && c < 0x7f && c != '/' && c != '%';
}

[[noreturn]] void refuse(std::string_view path, const char* why) {
    throw std::invalid_argument("the path '" + std::string(path) + "' of a node " + why);
}

}  // namespace

void check_path(std::string_view path) {
    if (!path.starts_with('/')) {
        refuse(path, "must begin with '/'");
    }
    if (path == "/") {
        return;
    }
    if (path.find('\0') != std::string_view::npos) {
        refuse(path, "must not contain a zero byte");
    }
    for (std::size_t begin = 1; begin <= path.size();) {
        const std::size_t end = std::min(path.find('/', begin), path.size());
        const std::string_view name = path.substr(begin, end - begin);
        if (name.empty()) {
            refuse(path, "must not contain an empty name, nor end with '/'");
        }
        if (name == "." || name == "..") {
            refuse(path, "must not contain the name '.' or '..'");
        }
        begin = end + 1;
    }
}

std::string_view parent_of(std::string_view path) noexcept {
    const std::size_t slash = path.rfind('/');
    return slash == 0 ? "/" : path.substr(0, slash);
}

std::string_view name_of(std::string_view path) noexcept {
    return path.substr(path.rfind('/') + 1);
}

std::string child_of(std::string_view path, std::string_view name) {
    std::string child(path == "/" ? "" : path);
    child += '/';
    child += name;
    return child;
}

// --- Chroot

Chroot::Chroot(std::string root) : root_(std::move(root)) {
    if (!root_.empty()) {
        check_path(root_);
    }
    if (root_ == "/") {
        root_.clear();
    }
}

std::string Chroot::outside(std::string_view path) const {
    if (root_.empty()) {
        return std::string(path);
    }
    return path == "/" ? root_ : root_ + std::string(path);
}

std::string Chroot::inside(std::string path) const {
    if (root_.empty() || !path.starts_with(root_)) {
        return path;
    }
    if (path.size() == root_.size()) {
        return "/";
    }
    return path[root_.size()] == '/' ? path.substr(root_.size()) : path;
}

// --- any text as a name

std::string escape_name(std::string_view text) {
    if (text.empty()) {
        return "%";
    }
    std::string name;
    for (const char c : text) {
        // All dots, so that no name is "." or ".." and names need no look at their neighbours.
        if (may_be_in_name(c) && (c != '.' || text.find_first_not_of('.') != text.npos)) {
            name += c;
        } else {
            const auto byte = static_cast<unsigned char>(c);
            name += '%';
            name += hexadecimal[byte >> 4U];
            name += hexadecimal[byte & 15U];
        }
    }
    return name;
}

std::string unescape_name(std::string_view name) {
    if (name == "%") {
        return {};
    }
    std::string text;
    for (std::size_t i = 0; i != name.size(); ++i) {
        if (name[i] == '%' && i + 2 < name.size()) {
            const std::size_t high = hexadecimal.find(name[i + 1]);
            const std::size_t low = hexadecimal.find(name[i + 2]);
            if (high != std::string_view::npos && low != std::string_view::npos) {
                text += static_cast<char>(high << 4U | low);
                i += 2;
                continue;
            }
        }
        text += name[i];
    }
    return text;
}

}  // namespace weir::zookeeper
