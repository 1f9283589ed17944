#include "modules/mail/headers.h"

#include <chrono>
#include <string>

#include <catch2/catch.hpp>

namespace weir::mail {
namespace {

std::string mailbox_of(const std::string& text) {
    const auto address = parse_address(text);
    return address ? address->name + "|" + address->mailbox : "none";
}

// Requires that each line but the first begins with a blank, and none is too long.
void check_lines(const std::string& header) {
    for (std::size_t begin = 0; begin < header.size();) {
        const std::size_t end = std::min(header.find("\r\n", begin), header.size());
        CHECK(end - begin <= 76);
        CHECK((begin == 0 || header[begin] == ' '));
        CHECK(header.substr(begin, end - begin).find_first_of("\r\n") == std::string::npos);
        begin = end + 2;
    }
}

}  // namespace

TEST_CASE("addresses are a mailbox, with a name or without") {
    CHECK(mailbox_of("ann@example.com") == "|ann@example.com");
    CHECK(mailbox_of("Ann B. <a.b+c@mail.example.com>") == "Ann B.|a.b+c@mail.example.com");
    CHECK(mailbox_of("\"Ann, B\" <ann@localhost>") == "Ann, B|ann@localhost");
    CHECK(mailbox_of("J\xc3\xb6rg <j@example.com>") == "J\xc3\xb6rg|j@example.com");
    for (const char* wrong : {"",
                              "ann",
                              "@example.com",
                              "ann@",
                              "a b@example.com",
                              "ann@exa mple.com",
                              "ann@example.com\r\nBcc: eve@example.com",
                              "Ann\r\nBcc: x <ann@example.com>",
                              "Ann <ann@example.com",
                              "Ann <ann@example.com> x",
                              "<ann@example.com>, <b@example.com>",
                              "ann@example.com,b@example.com",
                              ".ann@example.com",
                              "a..b@example.com",
                              "ann@example..com",
                              "j\xc3\xb6rg@example.com",
                              "ann@example.com>",
                              "<<ann@example.com>>",
                              "An\"n <ann@example.com>",
                              "ann@example.com\n",
                              "\xff <ann@example.com>"}) {
        INFO(wrong);
        CHECK(mailbox_of(wrong) == "none");
    }
}

TEST_CASE("text of other letters, or too long for a line, is encoded and folded") {
    CHECK(header_text("Plain text", 9) == "Plain text");
    CHECK(header_text("Gr\xc3\xbc\xc3\x9f"
                      "e!",
                      9) == "=?UTF-8?Q?Gr=C3=BC=C3=9Fe=21?=");
    CHECK(header_text("=?UTF-8?Q?x?=", 9) == "=?UTF-8?Q?=3D=3FUTF=2D8=3FQ=3Fx=3F=3D?=");
    std::string many;
    for (int i = 0; i != 100; ++i) {
        many += "\xe2\x82\xac";
    }
    const std::string euros = header_text(many, 9);
    check_lines("Subject: " + euros);
    std::size_t whole = 0;
    for (std::size_t at = 0; (at = euros.find("=E2=82=AC", at)) != std::string::npos; at += 9) {
        ++whole;
    }
    CHECK(whole == 100);
    check_lines("Subject: " + header_text(std::string(500, 'x'), 9));
}

TEST_CASE("a text cannot end a header and begin another") {
    CHECK(wrong_header_text("fine \xc3\xbc").empty());
    for (const char* wrong :
         {"a\r\nBcc: eve@example.com", "a\nb", "a\rb", "a\tb", "\x7f", "\xff"}) {
        CHECK(!wrong_header_text(wrong).empty());
    }
    CHECK(wrong_headers({{"X-Priority", "1"}, {"List-Id", "<a.b>"}}).empty());
    for (const char* name : {"", "a b", "a:b", "X\r\nBcc", "bcc", "From", "Content-Type",
                             "MIME-Version", "Resent-To", "\xc3\xbc"}) {
        INFO(name);
        CHECK(!wrong_headers({{name, "x"}}).empty());
    }
    CHECK(!wrong_headers({{"X-A", "x\r\nBcc: y"}}).empty());
}

TEST_CASE("the headers of a mail are those of its parameters, and show no hidden recipient") {
    SendParameters mail;
    mail.to = {"ann@example.com", "J\xc3\xb6rg <joerg@example.com>"};
    mail.cc = {"Bob Builder <bob@example.com>"};
    mail.bcc = {"eve@example.com"};
    mail.reply_to = "desk@example.com";
    mail.subject = "Hello";
    mail.headers = {{"X-Kind", "alarm"}};
    std::string all;
    const WallTime time = std::chrono::sys_days(std::chrono::year(2026) / 12 / 24) +
                          std::chrono::hours(18) + std::chrono::seconds(5);
    for (const std::string& header :
         headers_of(mail, *parse_address("Weir <weir@example.com>"), "1@example.com", time)) {
        check_lines(header);
        all += header + "\n";
    }
    CHECK(all ==
          "Date: Thu, 24 Dec 2026 18:00:05 +0000\n"
          "From: \"Weir\" <weir@example.com>\n"
          "Reply-To: desk@example.com\n"
          "To: ann@example.com,\r\n =?UTF-8?Q?J=C3=B6rg?= <joerg@example.com>\n"
          "Cc: \"Bob Builder\" <bob@example.com>\n"
          "Message-ID: <1@example.com>\n"
          "Subject: Hello\n"
          "X-Kind: alarm\n");
}

}  // namespace weir::mail
