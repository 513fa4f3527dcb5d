# cmake -DFOLDER=... -DFILES=a,b -DOUT=... -P embed.cmake: the files of the page as a C++ table, in raw strings.
# A string may have 65536 bytes, so that no compiler minds; no file of the page is near that.
string(REPLACE "," ";" FILES "${FILES}")
list(LENGTH FILES count)

set(type_html "text/html; charset=utf-8")
set(type_css "text/css; charset=utf-8")
set(type_js "text/javascript; charset=utf-8")
set(type_svg "image/svg+xml")

set(table "")
foreach(file IN LISTS FILES)
  file(READ "${FOLDER}/${file}" text)
  string(LENGTH "${text}" bytes)
  if(bytes GREATER 65000)
    message(FATAL_ERROR "${file} has ${bytes} bytes: too long for a string")
  endif()
  string(REGEX REPLACE "^.*\\." "" kind "${file}")
  set(path "/assets/${file}")
  if(file STREQUAL "index.html")
    set(path "/")
  endif()
  string(APPEND table "    {\"${path}\", \"${type_${kind}}\",\n     R\"~page~(${text})~page~\"},\n")
endforeach()

file(WRITE "${OUT}" "#pragma once

#include <array>

#include \"server/admin/page_assets.h\"

namespace penstock::admin {

inline constexpr std::array<PageAsset, ${count}> kPageFiles = {{
${table}}};

}  // namespace penstock::admin
")
