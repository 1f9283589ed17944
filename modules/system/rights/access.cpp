#include "modules/system/rights/access.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <new>
#include <stdexcept>
#include <system_error>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#include "config/settings/duration.h"
#include "config/text/quoted.h"
#include "core/wait/timeout.h"

namespace weir {

namespace {

constexpr std::size_t hashes_at_a_time = 2;
constexpr std::size_t longest_password_file = 4096;

std::string wrong_hash(const std::string& text) {
    return PasswordHash::parse(text) ? "" : "is no hash as 'weir password' prints it";
}

// Returns the first line of the file; nothing if it cannot be read. To open a pipe would hold up
// the server until a process writes to it.
std::optional<std::string> read_password_file(const std::string& path) {
    std::error_code error;
    if (!std::filesystem::is_regular_file(path, error)) {
        return {};
    }
    std::ifstream file(path);
    std::string line(longest_password_file, '\0');
    if (!file || !file.read(line.data(), 0)) {
        return {};
    }
    file.read(line.data(), static_cast<std::streamsize>(line.size()));
    if (file.bad()) {
        return {};
    }
    line.resize(static_cast<std::size_t>(file.gcount()));
    line.resize(std::min(line.find_first_of("\r\n"), line.size()));
    return line;
}

// Returns the password, or its hash; nothing if there is none.
std::optional<std::string> read_secret(const UserSettings& user) {
    std::optional<std::string> secret;
    if (user.password_hash) {
        secret = user.password_hash;
    } else if (user.password_file) {
        secret = read_password_file(*user.password_file);
    } else if (user.password_variable) {
        if (const char* value = std::getenv(user.password_variable->c_str())) {
            secret = value;
        }
    }
    return secret && !secret->empty() ? secret : std::nullopt;
}

std::array<unsigned char, 32> random_key() {
    std::array<unsigned char, 32> key{};
    if (RAND_bytes(key.data(), static_cast<int>(key.size())) != 1) {
        throw std::runtime_error("the system has no random numbers");
    }
    return key;
}

}  // namespace

config::Settings<UserSettings> UserSettings::describe() {
    using namespace config;
    using S = UserSettings;
    return settings<S>(
        "A user, with one of password_hash, password_file and password_variable",
        setting("password_hash", &S::password_hash,
                "The hash of the password, as 'weir password' prints it")
            .check(wrong_hash)
            .secret(),
        setting("password_file", &S::password_file,
                "A file whose first line is the password, or its hash")
            .not_empty(),
        setting("password_variable", &S::password_variable,
                "An environment variable with the password, or its hash")
            .not_empty(),
        setting("roles", &S::roles, "What the user may do: names of server.roles").not_empty());
}

std::string wrong_user(const UserSettings& user) {
    const int ways = (user.password_hash ? 1 : 0) + (user.password_file ? 1 : 0) +
                     (user.password_variable ? 1 : 0);
    if (ways != 1) {
        return "a user has exactly one of password_hash, password_file and password_variable";
    }
    if (user.roles.empty()) {
        return "the user has no roles";
    }
    const std::optional<std::string> secret = read_secret(user);
    if (!secret) {
        return user.password_file
                   ? "no password can be read from the file " +
                         config::printable(*user.password_file, 200)
                   : "the environment variable " + config::printable(*user.password_variable, 100) +
                         " is not set";
    }
    if (PasswordHash::is_meant(*secret) && !PasswordHash::parse(*secret)) {
        return "the password begins with $scrypt$, but is no hash as 'weir password' prints it";
    }
    return {};
}

Access::Access(Scheduler& scheduler)
    : scheduler_(scheduler),
      key_(random_key()),
      rules_(new AccessRules),
      pool_(scheduler, hashes_at_a_time) {}

Access::Account Access::read_account(const std::string& name, const UserSettings& settings) const {
    Account account;
    if (const std::string wrong = wrong_user(settings); !wrong.empty()) {
        scheduler_.log(LogLevel::error,
                       "the user '" + config::printable(name) + "' cannot log in: " + wrong);
        return account;
    }
    const std::optional<std::string> secret = read_secret(settings);
    account.hash = secret ? PasswordHash::parse(*secret) : std::nullopt;
    if (secret && !account.hash) {
        account.known = digest(name, *secret);
    }
    return account;
}

void Access::change(const std::map<std::string, RoleSettings>& roles, const UsersSettings& users) {
    std::map<std::string, Account, std::less<>> accounts;
    AccessRules::Users roles_of_users;
    std::optional<PasswordHash> some_hash;
    for (const auto& [name, settings] : users) {
        Account account = read_account(name, settings);
        if (account.hash) {
            some_hash = account.hash;
            const auto before = accounts_.find(name);
            if (before != accounts_.end() && before->second.hash == account.hash) {
                account.known = before->second.known;
            }
        }
        accounts.emplace(name, std::move(account));
        roles_of_users.emplace(name, settings.roles);
    }
    rules_->change(roles, std::move(roles_of_users));
    accounts_ = std::move(accounts);
    some_hash_ = std::move(some_hash);
}

Access::Digest Access::digest(std::string_view user, std::string_view password) const {
    // The length keeps the two apart.
    std::string text = std::to_string(user.size()) + ':';
    text.append(user).append(password);
    Digest result{};
    unsigned size = 0;
    const unsigned char* made = HMAC(EVP_sha256(), key_.data(), static_cast<int>(key_.size()),
                                     reinterpret_cast<const unsigned char*>(text.data()),
                                     text.size(), result.data(), &size);
    OPENSSL_cleanse(text.data(), text.size());
    if (made == nullptr) {
        throw std::bad_alloc();
    }
    return result;
}

bool Access::equal(const Digest& a, const Digest& b) noexcept {
    return CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

Task<ApiResult<Ref<Caller>>> Access::log_in(Login login) {
    const std::optional<Duration> turn = limiter_.take(login.source, scheduler_.now());
    if (!turn) {
        co_return refuse(login);
    }
    if (*turn > Duration()) {
        co_await sleep(*turn);
    }
    Ref<Caller> caller = co_await check(login);
    OPENSSL_cleanse(login.password.data(), login.password.size());
    if (caller == nullptr) {
        co_return fail(login);
    }
    limiter_.give_back(login.source, scheduler_.now());
    co_return caller;
}

// Returns the caller; null if user or password is wrong.
Task<Ref<Caller>> Access::check(const Login& login) {
    const Digest given = digest(login.user, login.password);
    if (const auto& own = login.own_user; own && own->name == login.user) {
        if (equal(given, digest(own->name, own->password))) {
            co_return Ref<Caller>(new Caller(rules_, own->name, own->roles));
        }
    } else if (const auto account = accounts_.find(login.user);
               account != accounts_.end() && account->second.known &&
               equal(given, *account->second.known)) {
        co_return Ref<Caller>(new Caller(rules_, login.user));
    }
    if (co_await check_hash(login, given)) {
        co_return Ref<Caller>(new Caller(rules_, login.user));
    }
    co_return nullptr;
}

// A user without a hash, or none at all, takes the same time as one with a hash.
Task<bool> Access::check_hash(const Login& login, const Digest& given) {
    const auto found = accounts_.find(login.user);
    const bool has_hash = found != accounts_.end() && found->second.hash;
    const std::optional<PasswordHash> hash = has_hash ? found->second.hash : some_hash_;
    if (!hash) {
        co_return false;
    }
    ++hashes_;
    auto compare = [hash = *hash, password = login.password] { return hash.matches(password); };
    const bool matches = co_await pool_.run(std::move(compare));
    // The users may be others by now.
    const auto now = accounts_.find(login.user);
    if (!has_hash || !matches || now == accounts_.end() || now->second.hash != hash) {
        co_return false;
    }
    now->second.known = given;
    co_return true;
}

// Not a line for each: an attacker could fill the disk with them.
ApiError Access::refuse(const Login& login) {
    ++refused_;
    return {std::string(too_many_logins), "too many logins from " + login.source +
                                              " have failed; try again in " +
                                              config::duration_text(LoginLimiter::interval)};
}

ApiError Access::fail(const Login& login) {
    // A user who does not exist may be a password in the wrong place.
    const bool exists =
        accounts_.contains(login.user) || (login.own_user && login.own_user->name == login.user);
    std::string line = "a login of " +
                       (exists ? "the user '" + config::printable(login.user) + "'"
                               : std::string("a user who does not exist")) +
                       " from " + login.source + " failed";
    if (refused_ != 0) {
        line += "; " + std::to_string(std::exchange(refused_, 0)) +
                " more logins were refused, because too many had failed";
    }
    scheduler_.log(LogLevel::warning, line);
    return {std::string(wrong_login), "user or password is wrong"};
}

}  // namespace weir
