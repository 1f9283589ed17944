#include "modules/system/server/plugin_file.h"

#include <algorithm>
#include <cstring>
#include <fstream>
#include <iterator>
#include <random>
#include <span>
#include <string_view>
#include <vector>

#include <catch2/catch.hpp>
#include <dlfcn.h>
#include <elf.h>
#include <uv.h>

#include "modules/system/module/abi.h"

namespace weir {

namespace {

using Bytes = std::vector<std::byte>;

// The bytes of libuv: a shared library as any other, and not large.
Bytes some_library() {
    Dl_info info{};
    REQUIRE(dladdr(reinterpret_cast<const void*>(&uv_version), &info) != 0);
    std::ifstream file(info.dli_fname, std::ios::binary);
    const std::vector<char> read((std::istreambuf_iterator<char>(file)), {});
    Bytes bytes(read.size());
    std::memcpy(bytes.data(), read.data(), read.size());
    return bytes;
}

void append(Bytes& bytes, const std::string& text) {
    const auto added = std::as_bytes(std::span(text));
    bytes.insert(bytes.end(), added.begin(), added.end());
}

Bytes sealed(Bytes bytes) {
    append(bytes, plugin_seal(bytes));
    return bytes;
}

std::string fault_of(const Bytes& bytes) {
    return check_plugin_file(bytes).fault;
}

std::string fault_of(const std::string& text) {
    return check_plugin_file(std::as_bytes(std::span(text))).fault;
}

Elf64_Ehdr header_of(const Bytes& bytes) {
    Elf64_Ehdr header;
    std::memcpy(&header, bytes.data(), sizeof header);
    return header;
}

Bytes with_header(Bytes bytes, const Elf64_Ehdr& header) {
    std::memcpy(bytes.data(), &header, sizeof header);
    return bytes;
}

}  // namespace

TEST_CASE("plugin file: a library is in order, with a seal and without") {
    const Bytes library = some_library();
    CHECK(fault_of(library) == "");
    CHECK(!check_plugin_file(library).sealed);
    CHECK(fault_of(sealed(library)) == "");
    CHECK(check_plugin_file(sealed(library)).sealed);
    CHECK(check_plugin_file(sealed(sealed(library))).sealed);
}

TEST_CASE("plugin file: a library that needs another sanitizer than the program is refused") {
    const bool is_for_threads = own_abi.sanitizer == std::string_view("thread");
    const std::string other = is_for_threads ? "address" : "thread";
    const std::string needed = is_for_threads ? "libasan.8" : "libtsan.8";
    Bytes library = some_library();
    const auto taken = std::as_bytes(std::span(std::string_view("libc.so.6")));
    const auto name = std::search(library.begin(), library.end(), taken.begin(), taken.end());
    REQUIRE(name != library.end());
    std::memcpy(&*name, needed.data(), needed.size());
    CHECK(fault_of(library) == "was built with -fsanitize=" + other + ", and this program was not");
}

TEST_CASE("plugin file: a file that is no library is reported as what it is") {
    CHECK(fault_of(std::string()) == "is empty");
    CHECK(fault_of("GROUP") == "is no shared library: it has only 5 bytes");
    CHECK(fault_of(std::string(100, 'x')) ==
          "is no shared library: it does not begin with an ELF header");
    const Bytes library = some_library();
    Elf64_Ehdr header = header_of(library);
    header.e_type = ET_EXEC;
    CHECK(fault_of(with_header(library, header)) ==
          "is no shared library: its ELF header says that it is something else");
    header = header_of(library);
    header.e_machine = EM_68K;
    CHECK(fault_of(with_header(library, header)) == "is for another machine");
    header = header_of(library);
    header.e_ident[EI_CLASS] = ELFCLASS32;
    CHECK(fault_of(with_header(library, header)) == "is for another machine");
}

TEST_CASE("plugin file: a file that is cut off anywhere is refused") {
    const Bytes library = sealed(some_library());
    std::mt19937_64 random(1);
    std::vector<std::size_t> lengths{
        0, 1, 63, 64, 65, 4095, 4096, library.size() - 1, library.size() - 40, library.size() - 64};
    for (int i = 0; i != 100; ++i) {
        lengths.push_back(random() % library.size());
    }
    for (const std::size_t length : lengths) {
        // The whole library without its seal is in order.
        if (length == library.size() - plugin_seal({}).size()) continue;
        CAPTURE(length);
        const auto cut = std::span(library).first(length);
        CHECK(check_plugin_file(cut).fault != "");
    }
}

TEST_CASE("plugin file: with a seal, any other byte is found") {
    const Bytes library = sealed(some_library());
    std::mt19937_64 random(2);
    for (int i = 0; i != 30; ++i) {
        Bytes changed = library;
        const std::size_t at = random() % library.size();
        changed[at] ^= static_cast<std::byte>(1U << random() % 8);
        CAPTURE(at);
        CHECK(fault_of(changed) != "");
    }
}

TEST_CASE("plugin file: without a seal, holes in tables and in code are found") {
    const Bytes library = some_library();
    const Elf64_Ehdr header = header_of(library);
    const auto with_hole = [&](std::size_t at, std::size_t size) {
        Bytes changed = library;
        std::fill_n(changed.begin() + static_cast<std::ptrdiff_t>(at), size, std::byte{});
        return fault_of(changed);
    };
    CHECK(with_hole(header.e_phoff, header.e_phnum * sizeof(Elf64_Phdr)) != "");
    CHECK(with_hole(header.e_shoff + 3 * sizeof(Elf64_Shdr), sizeof(Elf64_Shdr)) ==
          "is damaged: its table of sections has a hole");
    for (int i = 0; i != header.e_shnum; ++i) {
        Elf64_Shdr section;
        std::memcpy(&section,
                    library.data() + header.e_shoff + static_cast<std::size_t>(i) * sizeof section,
                    sizeof section);
        if (section.sh_type == SHT_DYNAMIC || section.sh_type == SHT_STRTAB) {
            continue;  // below
        }
        if (section.sh_type == SHT_PROGBITS && (section.sh_flags & SHF_EXECINSTR) != 0 &&
            section.sh_size > 8192) {
            const std::string fault = with_hole(section.sh_offset + 4096, 4096);
            CHECK(fault.find("where code should be, there are only zeros") != std::string::npos);
        }
    }
}

TEST_CASE("plugin file: whatever headers and tables say, checking it ends") {
    const Bytes library = some_library();
    std::mt19937_64 random(3);
    for (int i = 0; i != 300; ++i) {
        Bytes changed = library;
        for (int flips = 0; flips != 3; ++flips) {
            changed[random() % 4096] = static_cast<std::byte>(random());
        }
        check_plugin_file(changed);
    }
}

}  // namespace weir
