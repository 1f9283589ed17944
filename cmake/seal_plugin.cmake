# cmake -DFILE=<plugin>.so -P seal_plugin.cmake
# Appends to a plugin the line that tells whoever opens it that it is complete and undamaged: the
# digest of all that is before it. See modules/system/server/plugin_file.h. Whoever changes a plugin
# that has been sealed seals it again: the last line counts.
file(MD5 "${FILE}" digest)
file(APPEND "${FILE}" "\n!weir-seal md5 ${digest}\n")
