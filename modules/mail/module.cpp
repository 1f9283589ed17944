// The plugin `mail`: hands mails to a server of SMTP.

#include "modules/system/module/module.h"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <exception>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <curl/curl.h>
#include <unistd.h>

#include "config/text/quoted.h"
#include "core/run/newest_routine.h"
#include "core/run/random_id.h"
#include "core/run/routine.h"
#include "core/simulation/wall_clock.h"
#include "core/system/secret_file.h"
#include "core/wait/slots.h"
#include "modules/mail/address.h"
#include "modules/mail/headers.h"
#include "modules/mail/module_class.h"
#include "modules/mail/settings.h"
#include "modules/mail/transfers.h"
#include "modules/system/module/app_check.h"
#include "modules/system/module/plugin.h"

namespace weir::mail {
namespace {

// A list of texts as libcurl has it.
class TextList {
public:
    TextList() = default;
    TextList(const TextList&) = delete;
    TextList& operator=(const TextList&) = delete;
    ~TextList() { ::curl_slist_free_all(list_); }

    void add(const std::string& text) {
        curl_slist* const longer = ::curl_slist_append(list_, text.c_str());
        if (longer == nullptr) {
            throw std::bad_alloc();
        }
        list_ = longer;
    }
    curl_slist* get() const noexcept { return list_; }

private:
    curl_slist* list_ = nullptr;
};

// Each line ends as in a mail.
std::string with_line_ends(const std::string& text) {
    std::string made;
    for (std::size_t i = 0; i != text.size(); ++i) {
        if (text[i] == '\n' && (i == 0 || text[i - 1] != '\r')) {
            made += '\r';
        }
        made += text[i];
    }
    return made;
}

void add_part(curl_mime* mime, const std::string& text, const char* type) {
    curl_mimepart* const part = ::curl_mime_addpart(mime);
    const std::string lines = with_line_ends(text);
    if (part == nullptr || ::curl_mime_data(part, lines.data(), lines.size()) != CURLE_OK ||
        ::curl_mime_type(part, type) != CURLE_OK ||
        ::curl_mime_encoder(part, "quoted-printable") != CURLE_OK) {
        throw std::bad_alloc();
    }
}

// What libcurl needs of a mail as long as it is under way.
struct Delivery {
    std::unique_ptr<CURL, decltype(&curl_easy_cleanup)> easy{::curl_easy_init(),
                                                             &curl_easy_cleanup};
    std::unique_ptr<curl_mime, decltype(&curl_mime_free)> mime{nullptr, &curl_mime_free};
    TextList headers;
    TextList recipients;
    std::string answer;  // the server's last line that refuses something
    char error[CURL_ERROR_SIZE] = {};

    static std::size_t note_answer(char* line, std::size_t size, std::size_t count,
                                   void* answer) noexcept {
        const std::string_view text(line, size * count);
        if (!text.starts_with('4') && !text.starts_with('5')) {
            return size * count;
        }
        try {
            *static_cast<std::string*>(answer) =
                text.substr(0, std::min<std::size_t>(text.find_last_not_of("\r\n") + 1, 500));
        } catch (const std::bad_alloc&) {
            // The error says less.
        }
        return size * count;
    }
};

class MailModule final : public ModuleOf<MailSettings> {
public:
    explicit MailModule(const ModuleContext& context)
        : ModuleOf(context),
          transfers_(context.scheduler),
          slots_(context.scheduler, settings().at_once) {}
    ~MailModule() override { close_all(); }

    static auto declare() {
        return declare_module<MailModule>("mail", "Hands mails to a server of SMTP")
            .checks(&MailModule::check)
            .function("send", &MailModule::send)
            .counter("sent", "Mails that the server has taken", &MailModule::sent_)
            .counter("failed", "Mails that it has not", &MailModule::failed_)
            .gauge("running", "Mails under way", &MailModule::running_)
            .gauge("waiting", "Mails that wait", &MailModule::waiting);
    }

    Task<> load() override {
        Task<std::string> reading = read_password(settings());
        password_ = co_await reading;
    }

    using ModuleOf::settings_changed;
    void settings_changed(const MailSettings&) override { slots_.set_count(settings().at_once); }

    // The settings, or the file, may have another password.
    void read_files_again() override {
        reading_.start(read_again(settings()), {.name = "mail password"});
    }

private:
    static void check(const AppCheck& app) {
        const auto settings = app.settings<MailSettings>();
        const config::Path path = app.section();
        if (settings.user.has_value() != settings.password_file.has_value()) {
            app.report(path / (settings.user ? "user" : "password_file"),
                       "needs both user and password_file");
        }
        if (settings.user && settings.tls == Tls::none && settings.server.starts_with("smtp:")) {
            app.report(path / "tls", "would send the password for all to read");
        }
        for (const auto& [name, file] : {std::pair("password_file", &settings.password_file),
                                         std::pair("ca_file", &settings.ca_file)}) {
            if (*file && ::access((*file)->c_str(), R_OK) != 0) {
                app.report(path / name, "cannot be read: " + config::in_quotes(**file));
            }
        }
    }

    static Task<std::string> read_password(MailSettings settings) {
        if (!settings.password_file) {
            co_return "";
        }
        Task<std::string> reading = read_secret_line(*settings.password_file, "password_file");
        co_return co_await reading;
    }

    Task<> read_again(MailSettings now) {
        std::string failure;
        try {
            Task<std::string> reading = read_password(now);
            password_ = co_await reading;
        } catch (const QuitException&) {
            throw;
        } catch (const std::exception& error) {
            failure = error.what();
        }
        if (!failure.empty()) {
            log().error("{}; the password stays as it was", failure);
        }
    }

    class Running {
    public:
        explicit Running(std::size_t& count) noexcept : count_(count) { ++count_; }
        Running(const Running&) = delete;
        Running& operator=(const Running&) = delete;
        ~Running() { --count_; }

    private:
        std::size_t& count_;
    };

    Task<SendReport> send(SendParameters mail) {
        const std::size_t size = mail.text.size() + (mail.html ? mail.html->size() : 0);
        if (size > settings().max_size.bytes) {
            throw ApiException(
                "too_large",
                "the mail has more than " + std::to_string(settings().max_size.bytes) + " bytes");
        }
        if (slots_.waiting() >= settings().waiting) {
            throw ApiException("busy", "as many mails wait as `waiting` allows");
        }
        const Time began = scheduler().now();
        Slots::Ticket ticket(slots_);
        Task<> waiting = ticket.granted();
        co_await waiting;
        const Running running(running_);
        const std::optional<Address> from = parse_address(mail.from.value_or(settings().from));
        SendReport report;
        report.id = random_id(scheduler().poller()) + random_id(scheduler().poller()) + "@" +
                    from->domain();
        Delivery delivery;
        prepare(delivery, mail, *from, report.id);
        Task<CURLcode> delivering = transfers_.run(delivery.easy.get());
        const CURLcode code = co_await delivering;
        if (code != CURLE_OK) {
            ++failed_;
            refuse(delivery, code);
        }
        ++sent_;
        report.seconds = std::chrono::duration<double>(scheduler().now() - began).count();
        co_return report;
    }

    void prepare(Delivery& delivery, const SendParameters& mail, const Address& from,
                 const std::string& id) {
        CURL* const easy = delivery.easy.get();
        if (easy == nullptr) {
            throw std::bad_alloc();
        }
        prepare_server(easy, from);
        for (const auto* const list : {&mail.to, &mail.cc, &mail.bcc}) {
            for (const std::string& text : *list) {
                delivery.recipients.add("<" + parse_address(text)->mailbox + ">");
            }
        }
        for (const std::string& header :
             headers_of(mail, from, id, wall_time(scheduler().poller()))) {
            delivery.headers.add(header);
        }
        if (mail.html) {
            delivery.headers.add("Content-Type: multipart/alternative");
        }
        delivery.mime.reset(::curl_mime_init(easy));
        if (delivery.mime == nullptr) {
            throw std::bad_alloc();
        }
        add_part(delivery.mime.get(), mail.text, "text/plain; charset=utf-8");
        if (mail.html) {
            add_part(delivery.mime.get(), *mail.html, "text/html; charset=utf-8");
        }
        curl_easy_setopt(easy, CURLOPT_MAIL_RCPT, delivery.recipients.get());
        curl_easy_setopt(easy, CURLOPT_HTTPHEADER, delivery.headers.get());
        curl_easy_setopt(easy, CURLOPT_MIMEPOST, delivery.mime.get());
        curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, delivery.error);
        curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, &Delivery::note_answer);
        curl_easy_setopt(easy, CURLOPT_HEADERDATA, &delivery.answer);
    }

    void prepare_server(CURL* easy, const Address& from) {
        curl_easy_setopt(easy, CURLOPT_URL, settings().server.c_str());
        curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
        curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
        curl_easy_setopt(easy, CURLOPT_PROXY, "");  // not what the environment says
        curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, static_cast<long>(settings().timeout.count()));
        curl_easy_setopt(easy, CURLOPT_USE_SSL,
                         settings().tls == Tls::required ? CURLUSESSL_ALL : CURLUSESSL_NONE);
        curl_easy_setopt(easy, CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2);
        if (settings().ca_file) {
            curl_easy_setopt(easy, CURLOPT_CAINFO, settings().ca_file->c_str());
            curl_easy_setopt(easy, CURLOPT_CAPATH, nullptr);
        }
        if (settings().user) {
            curl_easy_setopt(easy, CURLOPT_USERNAME, settings().user->c_str());
            curl_easy_setopt(easy, CURLOPT_PASSWORD, password_.c_str());
        }
        curl_easy_setopt(easy, CURLOPT_MAIL_FROM, ("<" + from.mailbox + ">").c_str());
    }

    // Mails that the server refuses for good, or that need another configuration, are not to be
    // tried again.
    [[noreturn]] static void refuse(const Delivery& delivery, CURLcode code) {
        long status = 0;
        curl_easy_getinfo(delivery.easy.get(), CURLINFO_RESPONSE_CODE, &status);
        const bool is_answer = status >= 400 && status < 600;
        const bool is_configuration = code == CURLE_PEER_FAILED_VERIFICATION ||
                                      code == CURLE_USE_SSL_FAILED ||
                                      code == CURLE_SSL_CACERT_BADFILE;
        const bool is_permanent = is_answer ? status >= 500 : is_configuration;
        std::string message =
            delivery.error[0] != '\0' ? delivery.error : ::curl_easy_strerror(code);
        if (is_answer && !delivery.answer.empty()) {
            message += ": " + delivery.answer;
        }
        throw ApiException(is_permanent ? "permanent" : "temporary", std::move(message));
    }

    std::size_t waiting() const noexcept { return slots_.waiting(); }

    Transfers transfers_;
    Slots slots_;
    std::string password_;
    NewestRoutine reading_{*this};
    std::uint64_t sent_ = 0;
    std::uint64_t failed_ = 0;
    std::size_t running_ = 0;
};

}  // namespace

const ModuleClass& mail_class() {
    return module_class<MailModule>();
}

}  // namespace weir::mail

WEIR_PLUGIN(mail, weir::mail::MailModule)
