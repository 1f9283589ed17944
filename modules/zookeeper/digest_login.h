#pragma once

#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

namespace weir::zookeeper {

// Thrown when a login fails for good: the server refuses it, or does not prove itself.
class LoginError : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

// A login by SASL's mechanism DIGEST-MD5 (RFC 2831), as servers of ZooKeeper offer it. The server
// sends a challenge, the client answers with a proof that it knows the password, and the server
// with one of its own. The password itself is never sent.
struct DigestLogin {
    std::string user;
    std::string password;
    std::string client_nonce;  // that nobody can foresee
    // Of whom the login is asked: all servers of ZooKeeper have this name.
    std::string uri = "zookeeper/zk-sasl-md5";
    // From the challenge.
    std::optional<std::string> realm = {};
    std::string server_nonce = {};

    // Returns the answer to the server's challenge. Throws LoginError if the challenge is none of
    // DIGEST-MD5, or asks for what is not known here.
    std::string answer(std::string_view challenge);
    // Returns whether the server's last message proves that it knows the password.
    bool is_proven_by(std::string_view message) const;

    std::string client_proof() const { return proof("AUTHENTICATE"); }
    std::string server_proof() const { return proof(""); }

private:
    std::string proof(std::string_view method) const;
};

// Returns the directives of a message, `name=value,name="value"`; of those of one name the first.
// Throws LoginError.
std::map<std::string, std::string, std::less<>> read_directives(std::string_view message);

}  // namespace weir::zookeeper
