#include "modules/zookeeper/digest_login.h"

#include <algorithm>
#include <array>
#include <functional>
#include <span>
#include <utility>

#include <openssl/evp.h>

#include "core/base/hex.h"

namespace weir::zookeeper {
namespace {

// This client asks each connection once, so it is always the first request of its nonce.
constexpr std::string_view first_request = "00000001";
constexpr std::string_view no_encryption = "auth";

// Returns the 16 bytes of MD5.
std::string md5(const std::string& text) {
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned int size = 0;
    if (::EVP_Digest(text.data(), text.size(), digest.data(), &size, ::EVP_md5(), nullptr) != 1) {
        throw LoginError("this machine's OpenSSL has no MD5");
    }
    return {reinterpret_cast<const char*>(digest.data()), size};
}

// The standard hashes a text as ISO 8859-1 if it has no other characters, and else as UTF-8.
std::string in_latin_1(const std::string& text) {
    std::string latin;
    for (std::size_t i = 0; i != text.size(); ++i) {
        const auto byte = static_cast<unsigned char>(text[i]);
        if (byte < 0x80) {
            latin += text[i];
        } else if ((byte == 0xc2 || byte == 0xc3) && i + 1 != text.size()) {
            const auto next = static_cast<unsigned char>(text[++i]);
            latin += static_cast<char>(((byte & 0x03U) << 6U) | (next & 0x3fU));
        } else {
            return text;
        }
    }
    return latin;
}

std::string quoted(std::string_view text) {
    std::string result = "\"";
    for (const char character : text) {
        if (character == '"' || character == '\\') {
            result += '\\';
        }
        result += character;
    }
    return result + '"';
}

// --- reading messages

constexpr std::string_view blanks = " \t\r\n";

void skip(std::string_view& left, std::string_view characters) {
    left.remove_prefix(std::min(left.find_first_not_of(characters), left.size()));
}

std::string take_quoted(std::string_view& left) {
    std::string value;
    for (left.remove_prefix(1); !left.empty() && left.front() != '"'; left.remove_prefix(1)) {
        if (left.front() == '\\' && left.size() > 1) {
            left.remove_prefix(1);
        }
        value += left.front();
    }
    if (left.empty()) {
        throw LoginError("a message of the login ends within quotes");
    }
    left.remove_prefix(1);
    return value;
}

std::string take_until(std::string_view& left, std::string_view characters) {
    const std::size_t size = std::min(left.find_first_of(characters), left.size());
    std::string value(left.substr(0, size));
    left.remove_prefix(size);
    return value;
}

// Whether a list as "auth,auth-int" has the word.
bool lists(std::string_view list, std::string_view word) {
    bool found = false;
    for (skip(list, " ,"); !list.empty() && !found; skip(list, " ,")) {
        found = take_until(list, " ,") == word;
    }
    return found;
}

}  // namespace

std::map<std::string, std::string, std::less<>> read_directives(std::string_view message) {
    std::map<std::string, std::string, std::less<>> directives;
    constexpr std::string_view separators = " \t\r\n,";
    for (skip(message, separators); !message.empty(); skip(message, separators)) {
        std::string name = take_until(message, "= \t\r\n,");
        skip(message, blanks);
        if (name.empty() || message.empty() || message.front() != '=') {
            throw LoginError("a message of the login is not of the form name=value");
        }
        message.remove_prefix(1);
        skip(message, blanks);
        const bool is_quoted = !message.empty() && message.front() == '"';
        std::string value = is_quoted ? take_quoted(message) : take_until(message, separators);
        directives.try_emplace(std::move(name), std::move(value));
    }
    return directives;
}

std::string DigestLogin::answer(std::string_view challenge) {
    const auto directives = read_directives(challenge);
    const auto nonce = directives.find("nonce");
    const auto algorithm = directives.find("algorithm");
    if (nonce == directives.end() || algorithm == directives.end() ||
        algorithm->second != "md5-sess") {
        throw LoginError("the server asks for another login than by DIGEST-MD5");
    }
    const auto protection = directives.find("qop");
    if (protection != directives.end() && !lists(protection->second, no_encryption)) {
        throw LoginError("the server wants the connection encrypted by SASL; use tls:// instead");
    }
    server_nonce = nonce->second;
    std::string text = "charset=utf-8,username=" + quoted(user);
    if (const auto found = directives.find("realm"); found != directives.end()) {
        realm = found->second;
        text += ",realm=" + quoted(*realm);
    }
    text += ",nonce=" + quoted(server_nonce) + ",nc=" + std::string(first_request) +
            ",cnonce=" + quoted(client_nonce) + ",digest-uri=" + quoted(uri) +
            ",response=" + client_proof() + ",qop=" + std::string(no_encryption);
    return text;
}

bool DigestLogin::is_proven_by(std::string_view message) const {
    const auto directives = read_directives(message);
    const auto found = directives.find("rspauth");
    return found != directives.end() && found->second == server_proof();
}

std::string DigestLogin::proof(std::string_view method) const {
    const std::string who =
        in_latin_1(user) + ':' + in_latin_1(realm.value_or("")) + ':' + in_latin_1(password);
    const std::string secret = md5(md5(who) + ':' + server_nonce + ':' + client_nonce);
    const std::string asked = md5(std::string(method) + ':' + uri);
    return to_hex(md5(to_hex(secret) + ':' + server_nonce + ':' + std::string(first_request) + ':' +
                      client_nonce + ':' + std::string(no_encryption) + ':' + to_hex(asked)));
}

}  // namespace weir::zookeeper
