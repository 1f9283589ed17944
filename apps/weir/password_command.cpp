#include "apps/weir/password_command.h"

#include <cstdio>
#include <iostream>
#include <optional>
#include <string>

#include <termios.h>
#include <unistd.h>

#include "apps/weir/exit_code.h"
#include "apps/weir/output.h"
#include "modules/system/rights/password_hash.h"

namespace weir::app {

namespace {

// Keeps the terminal from showing what is typed.
class NoEcho {
public:
    NoEcho() noexcept : known_(tcgetattr(STDIN_FILENO, &before_) == 0) {
        if (known_) {
            termios silent = before_;
            silent.c_lflag &= ~static_cast<tcflag_t>(ECHO);
            tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent);
        }
    }
    NoEcho(const NoEcho&) = delete;
    NoEcho& operator=(const NoEcho&) = delete;
    ~NoEcho() {
        if (known_) {
            tcsetattr(STDIN_FILENO, TCSAFLUSH, &before_);
        }
    }

private:
    termios before_{};
    bool known_;
};

std::optional<std::string> ask(const char* prompt) {
    std::fputs(prompt, stderr);
    const NoEcho silent;
    std::string password;
    const bool given = static_cast<bool>(std::getline(std::cin, password));
    std::fputs("\n", stderr);
    return given ? std::optional(password) : std::nullopt;
}

int refuse(const char* why) {
    std::fprintf(stderr, "weir password: %s\n", why);
    return failure;
}

}  // namespace

int run_password_command() {
    std::optional<std::string> password;
    if (isatty(STDIN_FILENO) == 0) {
        std::string line;
        if (std::getline(std::cin, line)) {
            password = std::move(line);
        }
    } else {
        password = ask("Password: ");
        if (password && ask("Again: ") != password) {
            return refuse("the two are not the same");
        }
    }
    if (!password || password->empty()) {
        return refuse("there is no password");
    }
    print(PasswordHash::of(*password).text() + "\n");
    return success;
}

}  // namespace weir::app
