#include "modules/http/gzip.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <limits>
#include <new>

#include <zlib.h>

namespace weir::http {

namespace {

constexpr int gzip_only = 16 + MAX_WBITS;
// Half the effort and a quarter of the memory of zlib's defaults, for nearly their result on texts.
constexpr int encoder_level = 4;
constexpr int encoder_window = 16 + 13;
constexpr int encoder_memory = 7;

}  // namespace

struct GzipDecoder::State {
    z_stream stream{};
    std::array<char, 64 * 1024> output{};
};

GzipDecoder::GzipDecoder() : state_(std::make_unique<State>()) {
    if (::inflateInit2(&state_->stream, gzip_only) != Z_OK) {
        throw std::bad_alloc();
    }
}

GzipDecoder::~GzipDecoder() {
    ::inflateEnd(&state_->stream);
}

GzipDecoder::Step GzipDecoder::decode(std::string_view bytes) {
    z_stream& stream = state_->stream;
    bytes = bytes.substr(0, std::numeric_limits<uInt>::max());
    if (ended_) {
        if (bytes.empty()) {
            return {};
        }
        // Another member follows (RFC 1952, section 2.2).
        ended_ = false;
        ::inflateReset(&stream);
    }
    // zlib does not write there.
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
    stream.avail_in = static_cast<uInt>(bytes.size());
    stream.next_out = reinterpret_cast<Bytef*>(state_->output.data());
    stream.avail_out = static_cast<uInt>(state_->output.size());
    const int result = ::inflate(&stream, Z_NO_FLUSH);
    ended_ = result == Z_STREAM_END;
    if (result == Z_MEM_ERROR) {
        throw std::bad_alloc();
    }
    if (result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR) {
        throw GzipError(std::string("no gzip: ") +
                        (stream.msg != nullptr ? stream.msg : "damaged data"));
    }
    return {bytes.size() - stream.avail_in,
            {state_->output.data(), state_->output.size() - stream.avail_out}};
}

struct GzipEncoder::State {
    z_stream stream{};
};

GzipEncoder::GzipEncoder() : state_(std::make_unique<State>()) {
    if (::deflateInit2(&state_->stream, encoder_level, Z_DEFLATED, encoder_window, encoder_memory,
                       Z_DEFAULT_STRATEGY) != Z_OK) {
        throw std::bad_alloc();
    }
}

GzipEncoder::~GzipEncoder() {
    ::deflateEnd(&state_->stream);
}

std::string GzipEncoder::encode(std::string_view bytes, bool is_last) {
    z_stream& stream = state_->stream;
    assert(bytes.size() <= std::numeric_limits<uInt>::max());
    // zlib does not write there.
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
    stream.avail_in = static_cast<uInt>(bytes.size());
    std::string encoded;
    do {
        const std::size_t before = encoded.size();
        encoded.resize(before + std::max<std::size_t>(1024, bytes.size() / 4));
        stream.next_out = reinterpret_cast<Bytef*>(encoded.data() + before);
        stream.avail_out = static_cast<uInt>(encoded.size() - before);
        ::deflate(&stream, is_last ? Z_FINISH : Z_NO_FLUSH);
        encoded.resize(encoded.size() - stream.avail_out);
    } while (stream.avail_out == 0);
    return encoded;
}

}  // namespace weir::http
