# cmake -DROOT=<repository> -DFILE=<header> -P headers_digest.cmake
# Writes a header with the digest of all that modules may include of weir, without comments: a plugin
# that was built with other headers of the same version may crash, and is refused by this.
cmake_minimum_required(VERSION 3.25)
include("${CMAKE_CURRENT_LIST_DIR}/public_headers.cmake")
weir_header_closure(headers "${ROOT}" ${WEIR_PUBLIC_HEADERS})
list(SORT headers)
set(all "")
foreach(header IN LISTS headers)
    file(READ "${ROOT}/${header}" text)
    string(REGEX REPLACE "[ \n]*//[^\n]*" "" text "${text}")
    string(SHA256 digest "${text}")
    string(APPEND all "${header} ${digest}\n")
endforeach()
string(SHA256 digest "${all}")
string(SUBSTRING "${digest}" 0 16 digest)
file(CONFIGURE OUTPUT "${FILE}" CONTENT "#pragma once\n\n#define WEIR_HEADERS \"${digest}\"\n")
