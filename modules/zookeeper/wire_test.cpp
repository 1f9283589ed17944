#include "modules/zookeeper/wire.h"

#include <catch2/catch.hpp>

#include "modules/zookeeper/records.h"
#include "modules/zookeeper/transaction.h"

using namespace weir::zookeeper;

namespace {

std::string hexadecimal(std::string_view bytes) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string text;
    for (const char byte : bytes) {
        text += digits[static_cast<unsigned char>(byte) >> 4U];
        text += digits[static_cast<unsigned char>(byte) & 15U];
    }
    return text;
}

}  // namespace

TEST_CASE("a request is written as the protocol has it") {
    const std::string frame =
        frame_of(RequestHeader{7, OpCode::create2}, CreateRequest{"/a", "x", {Acl()}, 1});
    CHECK(hexadecimal(frame) ==
          "00000032"  // the length
          "00000007"
          "0000000f"  // xid, create2
          "00000002"
          "2f61"
          "00000001"
          "78"  // path, data
          "00000001"
          "0000001f"  // one entry, all permissions
          "00000005"
          "776f726c64"  // world
          "00000006"
          "616e796f6e65"  // anyone
          "00000001");    // ephemeral
}

TEST_CASE("what is written is read") {
    const SetWatchesRequest written{-5, {"/a", ""}, {}, {"/c"}};
    const std::string frame = frame_of(written);
    WireReader reader(std::string_view(frame).substr(4));
    const auto read = reader.take<SetWatchesRequest>();
    reader.require_end();
    CHECK(read.last_zxid == -5);
    CHECK(read.data == written.data);
    CHECK(read.existence.empty());
    CHECK(read.children == written.children);
}

TEST_CASE("a null text and a null vector are read as empty") {
    const std::string bytes("\xff\xff\xff\xff\xff\xff\xff\xff", 8);
    WireReader reader(bytes);
    CHECK(reader.take<std::string>().empty());
    CHECK(reader.take<std::vector<std::string>>().empty());
}

TEST_CASE("bytes that are no message are refused, each begin of a message too") {
    const std::string whole =
        frame_of(ReplyHeader{1, 2, Code::ok}, CreateReply{"/a", Stat{}}).substr(4);
    for (std::size_t length = 0; length != whole.size(); ++length) {
        WireReader reader(std::string_view(whole).substr(0, length));
        CHECK_THROWS_AS((reader.take<ReplyHeader>(), reader.take<CreateReply>()), WireError);
    }
    const auto read = [](std::string bytes) {
        WireReader reader(bytes);
        reader.take<std::vector<std::string>>();
    };
    CHECK_THROWS_WITH(read(std::string("\x7f\xff\xff\xff....", 8)),
                      "a vector of 2147483647 elements in 4 bytes");
    CHECK_THROWS_WITH(read(std::string("\x80\0\0\0", 4)), "a value of -2147483648 bytes");
    WireReader longer(whole);
    longer.take<ReplyHeader>();
    CHECK_THROWS_WITH(longer.require_end(), "74 bytes behind the end of a message");
}

TEST_CASE("a frame has a length that is allowed") {
    CHECK(frame_length(std::string("\0\0\1\0", 4), 256) == 256);
    CHECK_THROWS_WITH(frame_length(std::string("\0\0\1\1", 4), 256),
                      "a message of 257 bytes, at most 256 are allowed");
    CHECK_THROWS_AS(frame_length("\xff\xff\xff\xff", 256), WireError);
}

TEST_CASE("results of a transaction are read up to their end") {
    const std::string good = frame_of(MultiHeader{OpCode::error, false, Code::ok}, Code::ok,
                                      MultiHeader{OpCode::error, false, Code::no_node},
                                      Code::no_node, MultiHeader::end())
                                 .substr(4);
    const auto results = read_results(good);
    REQUIRE(results.size() == 2);
    CHECK(results[1].code == Code::no_node);
    CHECK_THROWS_AS(read_results(good.substr(0, good.size() - 1)), WireError);
    CHECK_THROWS_WITH(read_results(frame_of(MultiHeader{OpCode::sync, false, Code::ok}).substr(4)),
                      "a result of operation 9 in a transaction");
}
