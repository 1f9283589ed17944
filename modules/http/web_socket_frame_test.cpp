#include "modules/http/web_socket_frame.h"

#include <string>

#include <catch2/catch.hpp>

#include "modules/http/web_socket_test_client.h"

namespace weir::http {

namespace {

// The code with which the head is refused; 0: it is not.
std::uint16_t refusal(std::string_view bytes) {
    try {
        static_cast<void>(read_frame_head(bytes));
        return 0;
    } catch (const WebSocketError& error) {
        return error.code();
    }
}

std::string bytes(std::initializer_list<int> values) {
    std::string text;
    for (const int value : values) {
        text += static_cast<char>(value);
    }
    return text;
}

}  // namespace

TEST_CASE("lengths of frames are written as short as they can be, and read at their borders") {
    for (const std::size_t length : {0UL, 1UL, 125UL, 126UL, 65'535UL, 65'536UL}) {
        INFO(length);
        const std::string frame = masked_frame(0x82, std::string(length, 'a'));
        const std::optional<FrameHead> head = read_frame_head(frame);
        REQUIRE(head);
        CHECK(head->opcode == Opcode::binary);
        CHECK(head->is_final);
        CHECK(head->length == length);
        CHECK(frame.size() == head->size + length);
        for (std::size_t part = 0; part != head->size; ++part) {
            CHECK_FALSE(read_frame_head(std::string_view(frame).substr(0, part)));
        }
        CHECK(frame_bytes(Opcode::binary, std::string(length, 'a')).size() == frame.size() - 4);
    }
}

TEST_CASE("frames that clients must not send are refused") {
    CHECK(refusal(bytes({0x81, 0x00})) == 1002);  // no mask
    CHECK(refusal(bytes({0xC1, 0x80})) == 1002);  // compressed, which was not agreed on
    CHECK(refusal(bytes({0x83, 0x80})) == 1002);  // opcodes that nobody has defined
    CHECK(refusal(bytes({0x8B, 0x80})) == 1002);
    CHECK(refusal(bytes({0x09, 0x80})) == 1002);  // half a ping
    CHECK(refusal(bytes({0x89, 0xFE})) == 1002);  // a long ping
    CHECK(refusal(bytes({0x81, 0xFE, 0, 125, 0, 0, 0, 0})) == 1002);
    CHECK(refusal(bytes({0x81, 0xFF, 0, 0, 0, 0, 0, 0, 255, 255, 0, 0, 0, 0})) == 1002);
    CHECK(refusal(bytes({0x81, 0xFF, 128, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0})) == 1002);
}

TEST_CASE("a mask is taken off whatever the pieces are") {
    const FrameMask mask = {'\x11', '\x22', '\x33', '\x44'};
    std::string plain;
    for (int i = 0; i != 100; ++i) {
        plain += static_cast<char>('a' + i % 26);
    }
    std::string masked;
    for (std::size_t i = 0; i != plain.size(); ++i) {
        masked += static_cast<char>(plain[i] ^ mask[i % 4]);
    }
    for (std::size_t size = 1; size != 30; ++size) {
        std::string result;
        for (std::size_t at = 0; at < masked.size(); at += size) {
            append_unmasked(result, std::string_view(masked).substr(at, size), mask, at);
        }
        CHECK(result == plain);
    }
}

TEST_CASE("a close has a code that may be sent, and a reason in UTF-8") {
    CHECK(read_close("").code == close_code::none);
    const CloseReason reason = read_close(close_payload(1000, "bye"));
    CHECK(reason.code == 1000);
    CHECK(reason.text == "bye");
    for (const int code : {0, 999, 1004, 1005, 1006, 1015, 2999, 5000}) {
        CHECK_THROWS_AS(read_close(bytes({code >> 8, code & 0xFF})), WebSocketError);
    }
    CHECK_THROWS_AS(read_close("\x03"), WebSocketError);
    CHECK_THROWS_AS(read_close("\x03\xE8\xFF"), WebSocketError);
    // Cut between two characters.
    const std::string cut = close_payload(1000, std::string(122, 'a') + "\xC3\xA4");
    CHECK(cut.size() == 2 + 122);
}

}  // namespace weir::http
