#include "config/settings/codec.h"

#include <chrono>
#include <cmath>
#include <cstdint>
#include <limits>

#include <catch2/catch.hpp>

#include "config/settings/byte_size.h"
#include "config/settings/duration.h"

namespace weir::config {

namespace {

template <class T>
bool is(const Decoded<T>& decoded, T value) {
    return decoded.value && *decoded.value == value && decoded.wrong.empty();
}
template <class T>
bool out_of_range(const Decoded<T>& decoded) {
    return !decoded.value && decoded.out_of_range;
}
template <class T>
bool mismatch(const Decoded<T>& decoded) {
    return !decoded.value && !decoded.out_of_range && decoded.wrong.empty();
}

}  // namespace

TEST_CASE("integers of every width are limited to their type", "[codec]") {
    CHECK(is<std::int8_t>(Codec<std::int8_t>::decode(-128), -128));
    CHECK(is<std::int8_t>(Codec<std::int8_t>::decode(127), 127));
    CHECK(out_of_range(Codec<std::int8_t>::decode(-129)));
    CHECK(out_of_range(Codec<std::int8_t>::decode(128)));
    CHECK(is<std::int64_t>(Codec<std::int64_t>::decode(INT64_MIN), INT64_MIN));
    CHECK(is<std::int64_t>(Codec<std::int64_t>::decode(INT64_MAX), INT64_MAX));
    CHECK(out_of_range(Codec<std::int64_t>::decode(UINT64_MAX)));
    CHECK(is<std::uint64_t>(Codec<std::uint64_t>::decode(UINT64_MAX), UINT64_MAX));
    CHECK(out_of_range(Codec<std::uint64_t>::decode(-1)));
    CHECK(out_of_range(Codec<std::uint16_t>::decode(65'536)));
}

TEST_CASE("a number without a fraction is an integer in any notation", "[codec]") {
    CHECK(is(Codec<int>::decode(5.0), 5));
    CHECK(is(Codec<int>::decode(-1e3), -1000));
    CHECK(is(Codec<int>::decode(-0.0), 0));
    CHECK(is<std::int64_t>(Codec<std::int64_t>::decode(-9223372036854775808.0), INT64_MIN));
    CHECK(out_of_range(Codec<std::int64_t>::decode(9223372036854775808.0)));
    CHECK(out_of_range(Codec<std::uint64_t>::decode(1e300)));
    CHECK(out_of_range(Codec<std::uint64_t>::decode(18446744073709551616.0)));
    CHECK(mismatch(Codec<int>::decode(2.5)));
    CHECK(mismatch(Codec<int>::decode("5")));
    CHECK(mismatch(Codec<int>::decode(true)));
    CHECK(mismatch(Codec<int>::decode(nullptr)));
}

TEST_CASE("numbers, booleans and strings are read and written", "[codec]") {
    CHECK(is(Codec<double>::decode(2.5), 2.5));
    CHECK(is(Codec<double>::decode(3), 3.0));
    CHECK(is(Codec<double>::decode(UINT64_MAX), 18446744073709551615.0));
    CHECK(out_of_range(Codec<float>::decode(1e300)));
    CHECK(mismatch(Codec<double>::decode("2.5")));
    CHECK(is(Codec<bool>::decode(true), true));
    CHECK(mismatch(Codec<bool>::decode(1)));
    CHECK(is<std::string>(Codec<std::string>::decode("x"), "x"));
    CHECK(mismatch(Codec<std::string>::decode(1)));
    CHECK(number_text(0.1) == "0.1");
    CHECK(number_text(1e21) == "1e+21");
}

TEST_CASE("durations are text with a unit, or seconds", "[codec]") {
    using namespace std::chrono;
    using Milliseconds = Codec<milliseconds>;
    CHECK(is(Milliseconds::decode("50ms"), 50ms));
    CHECK(is(Milliseconds::decode("1.5s"), 1500ms));
    CHECK(is(Milliseconds::decode("1d"), milliseconds(24h)));
    CHECK(is(Milliseconds::decode(2), 2000ms));
    CHECK(is(Milliseconds::decode(0.05), 50ms));
    CHECK(is(Milliseconds::decode("-1s"), -1000ms));
    CHECK(Milliseconds::decode("50us").wrong == "is not a multiple of 1ms");
    CHECK(Milliseconds::decode(0.0005).wrong == "is not a multiple of 1ms");
    CHECK(Milliseconds::decode("0.5ns").wrong == "is not a multiple of 1ns");
    CHECK(Milliseconds::decode("1h 30m").wrong ==
          "is not one number directly followed by one unit; write \"90m\"");
    CHECK(Milliseconds::decode("1h30m15s").wrong ==
          "is not one number directly followed by one unit; write \"5415s\"");
    CHECK(Milliseconds::decode(" 5 s ").wrong ==
          "is not one number directly followed by one unit; write \"5s\"");
    CHECK(mismatch(Milliseconds::decode("1h 30")));
    CHECK(mismatch(Milliseconds::decode("2000000h 2000000h")));
    CHECK(mismatch(Milliseconds::decode(" ")));
    CHECK(mismatch(Milliseconds::decode("")));
    CHECK(mismatch(Milliseconds::decode("5 minutes")));
    CHECK(mismatch(Milliseconds::decode("50")));
    CHECK(mismatch(Milliseconds::decode("fast")));
    CHECK(mismatch(Milliseconds::decode(true)));
    CHECK(out_of_range(Milliseconds::decode(1e300)));
    CHECK(out_of_range(Milliseconds::decode("300000000h")));
    CHECK(is(Codec<nanoseconds>::decode("1ns"), 1ns));
    CHECK(is(Codec<duration<double>>::decode("50ms"), duration<double>(0.05)));
    CHECK(is(Codec<hours>::decode("2d"), 48h));
    CHECK(out_of_range(Codec<duration<std::int8_t>>::decode("128s")));
    CHECK(is(Codec<duration<std::int8_t>>::decode("127s"), duration<std::int8_t>(127)));
}

TEST_CASE("durations are written in the largest unit that fits", "[codec]") {
    using namespace std::chrono;
    CHECK(Codec<milliseconds>::text(50ms) == "50ms");
    CHECK(Codec<milliseconds>::text(90s) == "90s");
    CHECK(Codec<seconds>::text(48h) == "2d");
    CHECK(Codec<seconds>::text(0s) == "0s");
    CHECK(Codec<duration<double>>::text(duration<double>(0.25)) == "250ms");
}

TEST_CASE("every duration within bounds can be read back", "[codec]") {
    using namespace std::chrono;
    CHECK(*Codec<nanoseconds>::natural().high == longest_duration);
    CHECK(*Codec<duration<double>>::natural().high == duration<double>(9.2e9));
    CHECK(*Codec<duration<std::int8_t>>::natural().high == duration<std::int8_t>(127));
    CHECK(is(Codec<seconds>::decode(Codec<seconds>::encode(seconds(9'200'000'000))),
             seconds(9'200'000'000)));
    CHECK(out_of_range(Codec<seconds>::decode(9'200'000'001)));
}

TEST_CASE("sizes are text with a unit, or bytes", "[codec]") {
    using Size = Codec<ByteSize>;
    CHECK(is(Size::decode("64KiB"), ByteSize{65'536}));
    CHECK(is(Size::decode("1MB"), ByteSize{1'000'000}));
    CHECK(is(Size::decode("1.5MiB"), ByteSize{1'572'864}));
    CHECK(is(Size::decode("12B"), ByteSize{12}));
    CHECK(is(Size::decode(4096), ByteSize{4096}));
    CHECK(Size::decode("0.5B").wrong == "is not a whole number of bytes");
    CHECK(mismatch(Size::decode("64")));
    CHECK(mismatch(Size::decode("64 KiB")));
    CHECK(mismatch(Size::decode("64kb")));
    CHECK(mismatch(Size::decode(1.5)));
    CHECK(out_of_range(Size::decode(-1)));
    CHECK(out_of_range(Size::decode("-1B")));
    CHECK(out_of_range(Size::decode("9000000000TB")));
    CHECK(out_of_range(Size::decode(UINT64_MAX)));
    CHECK(Size::text(mebibytes(64)) == "64MiB");
    CHECK(Size::text(ByteSize{1'000'000}) == "1MB");
    CHECK(Size::text(ByteSize{1'025}) == "1025B");
    CHECK(Size::text(ByteSize{0}) == "0B");
}

}  // namespace weir::config
