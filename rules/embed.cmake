# rules/embed.cmake - rule files into a C file (rules/cf/shipped.h): cmake -DOUT=FILE -DFILES="a;b" -P embed.cmake
set(bytes "")
set(table "")
set(number 0)
foreach(file IN LISTS FILES)
    get_filename_component(name ${file} NAME)
    file(READ ${file} hex HEX)
    string(LENGTH "${hex}" digits)
    math(EXPR length "${digits} / 2")
    string(REGEX REPLACE "([0-9a-f][0-9a-f])" "\\\\x\\1" text "${hex}")
    # Lines of a bearable length: what follows a \x and its digits begins a new literal.
    string(REGEX REPLACE "((\\\\x..)(\\\\x..)(\\\\x..)(\\\\x..)(\\\\x..)(\\\\x..)(\\\\x..)(\\\\x..))" "\\1\"\n    \"" text
           "${text}")
    string(APPEND bytes "static const char file_${number}[] =\n    \"${text}\";\n")
    string(APPEND table "    { \"rules/${name}\", { file_${number}, ${length} } },\n")
    math(EXPR number "${number} + 1")
endforeach()
file(WRITE ${OUT}.new "/* Made by rules/embed.cmake. */\n#include \"rules/cf/shipped.h\"\n\n${bytes}\n"
     "const struct shipped_file shipped_files[] = {\n${table}};\nconst size_t shipped_count = ${number};\n")
file(RENAME ${OUT}.new ${OUT})
