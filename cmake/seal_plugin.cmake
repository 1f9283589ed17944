# cmake -DFILE=<plugin>.so -P seal_plugin.cmake
# Appends to a plugin the line that proves it complete and undamaged: the digest of all that is before
# it; see modules/system/server/plugin_file.h. A tool that changes a sealed plugin must seal it again:
# the last line counts.
file(SHA256 "${FILE}" digest)
file(APPEND "${FILE}" "\n!weir-seal sha256 ${digest}\n")
