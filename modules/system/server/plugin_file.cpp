#include "modules/system/server/plugin_file.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <new>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include <link.h>
#include <openssl/evp.h>

#include "core/base/hex.h"
#include "modules/system/module/abi.h"

// The header of the library that this code is in, put there by the linker.
// NOLINTNEXTLINE(readability-identifier-naming)
extern "C" [[gnu::visibility("hidden")]] const ElfW(Ehdr) __ehdr_start;

namespace weir {

namespace {

using Bytes = std::span<const std::byte>;
using Header = ElfW(Ehdr);
using Segment = ElfW(Phdr);
using Section = ElfW(Shdr);
using Dynamic = ElfW(Dyn);

static_assert(sizeof(Header) <= plugin_header_size);

// No plugin needs more memory than that; a damaged size may say anything.
constexpr std::uint64_t most_memory = std::uint64_t{1} << 32;
// Compilers fill gaps in code with instructions: so many zeros are a part that was not written.
constexpr std::size_t hole_size = 256;

constexpr std::string_view seal_begin = "\n!weir-seal sha256 ";
constexpr std::size_t digest_size = 32;
// The digest in hexadecimal digits, and a line end.
constexpr std::size_t seal_size = seal_begin.size() + 2 * digest_size + 1;

// What is wrong, thrown within this file.
struct Fault {
    std::string text;
};

std::string number(std::uint64_t value) {
    return std::to_string(value);
}

template <class T>
T value_at(Bytes file, std::uint64_t offset) {
    T value;
    std::memcpy(&value, file.data() + offset, sizeof value);
    return value;
}

// Whether bytes of a file, or addresses, from `offset` on lie within `size`, without overflow.
bool fits(std::uint64_t offset, std::uint64_t count, std::uint64_t size) {
    return offset <= size && count <= size - offset;
}

void require(bool holds, const char* text) {
    if (!holds) {
        throw Fault{text};
    }
}

void require_in_file(std::uint64_t offset, std::uint64_t count, Bytes file, const char* what) {
    if (!fits(offset, count, file.size())) {
        throw Fault{"is damaged or not yet written to its end: " + std::string(what) +
                    " should be at byte " + number(offset) + ", with a size of " + number(count) +
                    ", and the file has " + number(file.size()) + " bytes"};
    }
}

std::string_view text_of(Bytes bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// A shared library as its tables describe it. The functions throw a Fault.
class Image {
public:
    explicit Image(Bytes file) : file_(file), header_(value_at<Header>(file, 0)) {}

    void check() {
        read_segments();
        read_sections();
        check_segments();
        check_dynamic();
        check_code();
    }

    // Where the last table or section ends.
    std::uint64_t end() const noexcept { return end_; }

private:
    void cover(std::uint64_t offset, std::uint64_t count) noexcept {
        end_ = std::max(end_, offset + count);
    }

    template <class T>
    std::vector<T> read_table(std::uint64_t offset, std::uint64_t count, std::size_t size,
                              const char* what) {
        if (size != sizeof(T)) {
            throw Fault{"is damaged: entries of " + std::string(what) + " have " + number(size) +
                        " bytes, expected " + number(sizeof(T))};
        }
        require_in_file(offset, count * sizeof(T), file_, what);
        cover(offset, count * sizeof(T));
        std::vector<T> table;
        for (std::uint64_t i = 0; i != count; ++i) {
            table.push_back(value_at<T>(file_, offset + i * sizeof(T)));
        }
        return table;
    }

    void read_segments() {
        require(header_.e_phnum != 0, "is damaged: it has no segments");
        segments_ = read_table<Segment>(header_.e_phoff, header_.e_phnum, header_.e_phentsize,
                                        "the table of segments");
    }

    // A file may have no sections: only linkers and debuggers need them. With them comes the end of
    // the file, so that a file that is cut off is seen.
    void read_sections() {
        if (header_.e_shoff == 0) {
            return;
        }
        sections_ = read_table<Section>(header_.e_shoff, header_.e_shnum, header_.e_shentsize,
                                        "the table of sections");
        require(header_.e_shnum != 0 && header_.e_shstrndx < header_.e_shnum,
                "is damaged: the section with the names of sections is missing");
        for (const Section& section : sections_) {
            if (section.sh_type != SHT_NULL && section.sh_type != SHT_NOBITS) {
                require_in_file(section.sh_offset, section.sh_size, file_, "a section");
                cover(section.sh_offset, section.sh_size);
            }
        }
        require(sections_.front().sh_type == SHT_NULL &&
                    std::none_of(sections_.begin() + 1, sections_.end(),
                                 [](const Section& other) { return other.sh_type == SHT_NULL; }),
                "is damaged: its table of sections has a hole");
    }

    void check_segments() {
        const Segment* before = nullptr;
        bool has_code = false;
        for (const Segment& segment : segments_) {
            if (segment.p_type == PT_NULL) {
                continue;
            }
            require_in_file(segment.p_offset, segment.p_filesz, file_, "a segment");
            cover(segment.p_offset, segment.p_filesz);
            require(fits(segment.p_vaddr, segment.p_memsz, most_memory),
                    "is damaged: a segment needs more memory than there is");
            if (segment.p_type != PT_LOAD) {
                continue;
            }
            const std::uint64_t page = std::max<std::uint64_t>(segment.p_align, 1);
            require(segment.p_filesz <= segment.p_memsz &&
                        (segment.p_vaddr - segment.p_offset) % page == 0 &&
                        (page & (page - 1)) == 0,
                    "is damaged: a segment is not where it could be loaded from");
            require(before == nullptr || segment.p_vaddr >= before->p_vaddr + before->p_memsz,
                    "is damaged: its segments overlap");
            before = &segment;
            has_code = has_code || (segment.p_flags & PF_X) != 0;
        }
        require(has_code, "is damaged: it has no code");
    }

    // The offset in the file of bytes at an address; none if they are not loaded from the file.
    std::optional<std::uint64_t> offset_of(std::uint64_t address, std::uint64_t count) const {
        for (const Segment& segment : segments_) {
            if (segment.p_type == PT_LOAD && address >= segment.p_vaddr &&
                fits(address - segment.p_vaddr, count, segment.p_filesz)) {
                return segment.p_offset + (address - segment.p_vaddr);
            }
        }
        return std::nullopt;
    }
    bool is_memory(std::uint64_t address, std::uint64_t count) const {
        return std::any_of(segments_.begin(), segments_.end(), [&](const Segment& segment) {
            return segment.p_type == PT_LOAD && address >= segment.p_vaddr &&
                   fits(address - segment.p_vaddr, count, segment.p_memsz);
        });
    }
    bool is_code(std::uint64_t address) const {
        return std::any_of(segments_.begin(), segments_.end(), [&](const Segment& segment) {
            return segment.p_type == PT_LOAD && (segment.p_flags & PF_X) != 0 &&
                   address >= segment.p_vaddr && address - segment.p_vaddr < segment.p_filesz;
        });
    }

    std::vector<Dynamic> dynamic_entries() const {
        const auto segment = std::find_if(segments_.begin(), segments_.end(),
                                          [](const Segment& s) { return s.p_type == PT_DYNAMIC; });
        require(segment != segments_.end(), "is no shared library: it has no dynamic section");
        require(offset_of(segment->p_vaddr, segment->p_filesz) == segment->p_offset,
                "is damaged: its dynamic section is not where it is loaded");
        std::vector<Dynamic> entries;
        for (std::uint64_t at = 0; fits(at, sizeof(Dynamic), segment->p_filesz);
             at += sizeof(Dynamic)) {
            entries.push_back(value_at<Dynamic>(file_, segment->p_offset + at));
            if (entries.back().d_tag == DT_NULL) {
                return entries;
            }
        }
        throw Fault{"is damaged: its dynamic section has no end"};
    }

    void check_dynamic() const {
        const std::vector<Dynamic> entries = dynamic_entries();
        const auto value = [&](auto tag) -> std::optional<std::uint64_t> {
            for (const Dynamic& entry : entries) {
                if (entry.d_tag == static_cast<decltype(entry.d_tag)>(tag)) {
                    return entry.d_un.d_val;
                }
            }
            return std::nullopt;
        };
        const auto require_table = [&](auto table, auto size, const char* what) {
            const auto at = value(table);
            if (at && !offset_of(*at, value(size).value_or(1))) {
                throw Fault{"is damaged: " + std::string(what) + " is not where it is loaded"};
            }
            return at.has_value();
        };
        require(require_table(DT_STRTAB, DT_STRSZ, "its table of names") &&
                    require_table(DT_SYMTAB, DT_SYMENT, "its table of symbols") &&
                    (require_table(DT_GNU_HASH, DT_NULL, "its index of symbols") ||
                     require_table(DT_HASH, DT_NULL, "its index of symbols")),
                "is damaged: its dynamic section lacks the tables of symbols");
        check_names(entries, *offset_of(*value(DT_STRTAB), 1), value(DT_STRSZ).value_or(0));
        require_table(DT_RELA, DT_RELASZ, "its table of relocations");
        require_table(DT_REL, DT_RELSZ, "its table of relocations");
        require_table(DT_JMPREL, DT_PLTRELSZ, "its table of calls");
        require_table(DT_INIT_ARRAY, DT_INIT_ARRAYSZ, "its table of initializations");
        require_table(DT_FINI_ARRAY, DT_FINI_ARRAYSZ, "its table of destructions");
        require_table(DT_VERSYM, DT_NULL, "its table of versions");
        require_table(DT_VERNEED, DT_NULL, "its table of versions");
        require_table(DT_VERDEF, DT_NULL, "its table of versions");
        for (const auto function : {DT_INIT, DT_FINI}) {
            const auto at = value(function);
            require(!at || is_code(*at), "is damaged: what it runs first or last is no code");
        }
        if (const auto at = value(DT_RELA)) {
            check_relocations(*offset_of(*at, 1), value(DT_RELASZ).value_or(0));
        }
    }

    void check_names(const std::vector<Dynamic>& entries, std::uint64_t names,
                     std::uint64_t size) const {
        require(size > 1 && file_[names] == std::byte{} && file_[names + size - 1] == std::byte{},
                "is damaged: its table of names does not begin and end with a zero");
        for (const Dynamic& entry : entries) {
            if (entry.d_tag == DT_NEEDED || entry.d_tag == DT_SONAME) {
                require(entry.d_un.d_val < size && file_[names + entry.d_un.d_val] != std::byte{},
                        "is damaged: the name of a library that it needs is missing");
            }
            if (entry.d_tag == DT_NEEDED) {
                check_sanitizer(text_of(file_.subspan(names + entry.d_un.d_val)));
            }
        }
    }

    // The library of a sanitizer ends a process that was not started with it. `needed`: a name, and
    // what follows it.
    static void check_sanitizer(std::string_view needed) {
        for (const auto& [beginning, sanitizer] :
             {std::pair<std::string_view, std::string_view>("libasan.", "address"),
              {"libclang_rt.asan", "address"},
              {"libtsan.", "thread"},
              {"libclang_rt.tsan", "thread"}}) {
            if (needed.starts_with(beginning) && sanitizer != own_abi.sanitizer) {
                throw Fault{"was built with -fsanitize=" + std::string(sanitizer) +
                            ", and this program was not"};
            }
        }
    }

    // Each is at an address that is loaded. What it puts there the linker looks up by name.
    void check_relocations(std::uint64_t table, std::uint64_t size) const {
        for (std::uint64_t at = 0; fits(at, sizeof(ElfW(Rela)), size); at += sizeof(ElfW(Rela))) {
            const auto relocation = value_at<ElfW(Rela)>(file_, table + at);
            require(relocation.r_info == 0 || is_memory(relocation.r_offset, 1),
                    "is damaged: a relocation is of what is not loaded");
        }
    }

    void check_code() const {
        for (const Section& section : sections_) {
            if (section.sh_type != SHT_PROGBITS || (section.sh_flags & SHF_EXECINSTR) == 0) {
                continue;
            }
            const Bytes code = file_.subspan(section.sh_offset, section.sh_size);
            const auto hole = std::search_n(code.begin(), code.end(), hole_size, std::byte{});
            if (hole != code.end()) {
                throw Fault{
                    "is damaged or not yet written to its end: from byte " +
                    number(section.sh_offset + static_cast<std::uint64_t>(hole - code.begin())) +
                    " on, where code should be, there are only zeros"};
            }
        }
    }

    const Bytes file_;
    const Header header_;
    std::vector<Segment> segments_;
    std::vector<Section> sections_;
    std::uint64_t end_ = sizeof(Header);
};

// Whether the file has a seal, as the last of what follows the end of the library. Throws a Fault
// if that is not right.
bool check_seal(Bytes file, std::uint64_t end) {
    const std::string_view rest = text_of(file.subspan(end));
    const std::size_t begin = rest.rfind(seal_begin);
    if (begin == std::string_view::npos) {
        require(rest.empty() || !seal_begin.starts_with(rest),
                "is not yet written to its end: it ends in its seal");
        return false;
    }
    const std::string_view seal = rest.substr(begin);
    require(seal.size() >= seal_size, "is not yet written to its end: it ends in its seal");
    if (seal != plugin_seal(file.first(end + begin))) {
        throw Fault{
            "is damaged: it is not what the build made, for the digest in its seal is another"};
    }
    return true;
}

}  // namespace

std::string plugin_seal(std::span<const std::byte> file) {
    std::array<unsigned char, digest_size> digest{};
    if (EVP_Digest(file.data(), file.size(), digest.data(), nullptr, EVP_sha256(), nullptr) != 1) {
        throw std::bad_alloc();  // the only way in which it fails
    }
    return std::string(seal_begin) + to_hex(digest) + "\n";
}

std::string plugin_header_fault(std::span<const std::byte> begin) {
    if (begin.empty()) {
        return "is empty";
    }
    if (begin.size() < sizeof(Header)) {
        return "is no shared library: it has only " + number(begin.size()) + " bytes";
    }
    const auto header = value_at<Header>(begin, 0);
    if (std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0) {
        return "is no shared library: it does not begin with an ELF header";
    }
    const Header& own = __ehdr_start;
    if (header.e_ident[EI_CLASS] != own.e_ident[EI_CLASS] ||
        header.e_ident[EI_DATA] != own.e_ident[EI_DATA] || header.e_machine != own.e_machine) {
        return "is for another machine";
    }
    if (header.e_type != ET_DYN) {
        return "is no shared library: its ELF header says that it is something else";
    }
    if (header.e_version != EV_CURRENT || header.e_ident[EI_VERSION] != EV_CURRENT ||
        header.e_ehsize != sizeof(Header)) {
        return "is damaged: its ELF header is wrong";
    }
    return {};
}

PluginFileCheck check_plugin_file(std::span<const std::byte> file) {
    PluginFileCheck result;
    result.fault = plugin_header_fault(file);
    if (!result.fault.empty()) {
        return result;
    }
    try {
        Image image(file);
        image.check();
        result.sealed = check_seal(file, image.end());
    } catch (const Fault& fault) {
        result.fault = fault.text;
    }
    return result;
}

}  // namespace weir
