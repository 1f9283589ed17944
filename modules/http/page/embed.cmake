# cmake -DFILES="a.js;b.css" -DOUTPUT=page_files.cpp -P embed.cmake
# Writes the files as literals of C++, and the digest of them all, which is a part of their address:
# so a browser may keep them for ever. `@DIGEST@` in a file stands for it. The files are UTF-8.
set(digests "")
foreach(file IN LISTS FILES)
    file(SHA256 "${file}" digest)
    string(APPEND digests "${digest}")
endforeach()
string(SHA256 digest "${digests}")
string(SUBSTRING "${digest}" 0 16 digest)

set(code "// Written by modules/http/page/embed.cmake.\n#include \"modules/http/page/page_files.h\"\n
namespace weir::http {\n\nnamespace {\n\nconstexpr PageFile files[] = {\n")
foreach(file IN LISTS FILES)
    cmake_path(GET file FILENAME name)
    file(READ "${file}" text)
    string(REPLACE "@DIGEST@" "${digest}" text "${text}")
    string(APPEND code "    {\"${name}\", R\"~page~(${text})~page~\"},\n")
endforeach()
string(APPEND code "};\n\n}  // namespace\n
const std::span<const PageFile> page_files = files;
const std::string_view page_digest = \"${digest}\";\n\n}  // namespace weir::http\n")
file(WRITE "${OUTPUT}" "${code}")
