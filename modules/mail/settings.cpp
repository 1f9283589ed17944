#include "modules/mail/settings.h"

#include "modules/mail/address.h"
#include "modules/mail/headers.h"

namespace weir::mail {

using config::setting;
using config::settings;
using std::chrono::hours;
using std::chrono::milliseconds;

namespace {

constexpr std::size_t most_recipients = 100;

std::string wrong_address(const std::string& text) {
    return parse_address(text) ? ""
                               : "is no address as \"ann@example.com\" or \"Ann "
                                 "<ann@example.com>\"";
}

std::string wrong_addresses(const std::vector<std::string>& texts) {
    std::string wrong;
    for (const std::string& text : texts) {
        if (const std::string why = wrong_address(text); !why.empty()) {
            wrong += (wrong.empty() ? "\"" : "; \"") + text + "\" " + why;
        }
    }
    return wrong;
}

std::string wrong_server(const std::string& server) {
    const bool has_scheme = server.starts_with("smtp://") || server.starts_with("smtps://");
    const std::string rest = has_scheme ? server.substr(server.find("//") + 2) : "";
    return !rest.empty() && rest.find_first_of("/@?# \t\r\n") == std::string::npos
               ? ""
               : "must be \"smtp://HOST:PORT\" (STARTTLS) or \"smtps://HOST:PORT\" (TLS from the "
                 "first byte)";
}

}  // namespace

config::Settings<MailSettings> MailSettings::describe() {
    using S = MailSettings;
    return settings<S>(
        "Hands mails to a server, which delivers them",
        setting("server", &S::server,
                "Where mails are submitted: \"smtp://mail.example.com:587\", or \"smtps://...\" "
                "for TLS from the first byte")
            .check(wrong_server)
            .required(),
        setting("tls", &S::tls, "Whether a connection must be encrypted"),
        setting("ca_file", &S::ca_file,
                "Certificates of the authorities that are trusted; null: those of the machine")
            .not_empty(),
        setting("user", &S::user, "The user at that server; null: none").not_empty(),
        setting("password_file", &S::password_file, "A file with the user's password as its line")
            .not_empty(),
        setting("from", &S::from, "The sender: \"Ann <ann@example.com>\"")
            .check(wrong_address)
            .required(),
        setting("timeout", &S::timeout, "A mail has failed after so long")
            .range(milliseconds(1), hours(1)),
        setting("at_once", &S::at_once, "How many mails are under way; further ones wait")
            .range(1, 100),
        setting("waiting", &S::waiting, "How many wait; a further one fails at once")
            .range(1, 100'000),
        setting("max_size", &S::max_size, "How much text and HTML of a mail have together")
            .at_most(config::mebibytes(16)));
}

config::Settings<SendParameters> SendParameters::describe() {
    using S = SendParameters;
    return settings<S>(
        "Sends a mail: returns when the server has taken it for all recipients",
        setting("to", &S::to, "Addresses: \"ann@example.com\", \"Ann <ann@example.com>\"")
            .length(1, most_recipients)
            .check(wrong_addresses)
            .required(),
        setting("cc", &S::cc, "Addresses of further recipients")
            .length(0, most_recipients)
            .check(wrong_addresses),
        setting("bcc", &S::bcc, "Addresses of recipients that the mail does not show")
            .length(0, most_recipients)
            .check(wrong_addresses),
        setting("from", &S::from, "The sender; null: that of the settings").check(wrong_address),
        setting("reply_to", &S::reply_to, "Where answers go; null: to the sender")
            .check(wrong_address),
        setting("subject", &S::subject, "The subject, on one line")
            .length(0, 1000)
            .check(wrong_header_text),
        setting("text", &S::text, "The mail as text"),
        setting("html", &S::html, "The same as HTML, for readers that show it; null: none"),
        setting("headers", &S::headers, "Further headers, as {\"X-Priority\": \"1\"}")
            .length(0, 100)
            .check(wrong_headers));
}

config::Settings<SendReport> SendReport::describe() {
    return settings<SendReport>(
        "A mail that the server has taken",
        setting("id", &SendReport::id, "Its Message-ID, without the angle brackets"),
        setting("seconds", &SendReport::seconds, "How long that has taken"));
}

}  // namespace weir::mail
