// W6 with libuv alone, as an expert would use it: one buffer for all connections, since the bytes
// read are written at once, and uv_try_write before uv_write.

#include <cstdio>
#include <cstdlib>
#include <cstring>

#include <netinet/in.h>
#include <uv.h>

namespace {

char buffer[64 * 1024];

struct Rest {
    uv_write_t request;
    char* bytes;
};

void close(uv_stream_t* stream) {
    uv_close(reinterpret_cast<uv_handle_t*>(stream),
             [](uv_handle_t* handle) { delete reinterpret_cast<uv_tcp_t*>(handle); });
}

void write_later(uv_stream_t* stream, const char* bytes, std::size_t size) {
    auto* rest = new Rest;
    rest->bytes = new char[size];
    std::memcpy(rest->bytes, bytes, size);
    uv_buf_t output = uv_buf_init(rest->bytes, static_cast<unsigned>(size));
    uv_write(&rest->request, stream, &output, 1, [](uv_write_t* request, int) {
        auto* done = reinterpret_cast<Rest*>(request);
        delete[] done->bytes;
        delete done;
    });
}

void on_read(uv_stream_t* stream, ssize_t got, const uv_buf_t* input) {
    if (got < 0) {
        close(stream);
        return;
    }
    uv_buf_t output = uv_buf_init(input->base, static_cast<unsigned>(got));
    const int written = uv_try_write(stream, &output, 1);
    if (written < got) {
        const std::size_t done = written < 0 ? 0 : static_cast<std::size_t>(written);
        write_later(stream, input->base + done, static_cast<std::size_t>(got) - done);
    }
}

void on_connection(uv_stream_t* server, int) {
    auto* client = new uv_tcp_t;
    uv_tcp_init(server->loop, client);
    auto* stream = reinterpret_cast<uv_stream_t*>(client);
    uv_accept(server, stream);
    uv_tcp_nodelay(client, 1);
    uv_read_start(
        stream,
        [](uv_handle_t*, std::size_t, uv_buf_t* input) {
            *input = uv_buf_init(buffer, sizeof buffer);
        },
        on_read);
}

}  // namespace

int main() {
    uv_loop_t* loop = uv_default_loop();
    uv_tcp_t server;
    uv_tcp_init(loop, &server);
    sockaddr_in address;
    uv_ip4_addr("127.0.0.1", 0, &address);
    uv_tcp_bind(&server, reinterpret_cast<sockaddr*>(&address), 0);
    if (uv_listen(reinterpret_cast<uv_stream_t*>(&server), 2048, on_connection) != 0) {
        std::fprintf(stderr, "cannot listen\n");
        return 1;
    }
    int size = sizeof address;
    uv_tcp_getsockname(&server, reinterpret_cast<sockaddr*>(&address), &size);
    std::printf("listening at %d\n", int{ntohs(address.sin_port)});
    std::fflush(stdout);
    return uv_run(loop, UV_RUN_DEFAULT);
}
