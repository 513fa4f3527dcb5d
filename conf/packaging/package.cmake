# The Debian package: `./dev package`, or the target package_files and then cpack. Two builds of the same sources give
# the same bytes, in whatever folders: no paths (CMakeLists.txt), one date (source-date), one owner, sorted.

# What only the package needs: Debian's changelog, ours, and the list of what the binary is made of.
add_custom_command(OUTPUT ${made}/changelog.gz ${made}/CHANGELOG.md.gz
  COMMAND ${folder}/packaging/changelog ${PROJECT_VERSION} ${made}/source-date ${made}
  DEPENDS ${PROJECT_SOURCE_DIR}/CHANGELOG.md packaging/changelog ${made}/source-date VERBATIM)
add_custom_command(OUTPUT ${made}/penstock.cdx.json
  COMMAND ${folder}/packaging/sbom $<TARGET_FILE:penstock> ${PROJECT_BINARY_DIR} ${PROJECT_VERSION} ${made}/source-date
          ${made}/penstock.cdx.json
  DEPENDS penstock packaging/sbom ${made}/source-date VERBATIM)
add_custom_target(package_files DEPENDS ${made}/changelog.gz ${made}/CHANGELOG.md.gz ${made}/penstock.cdx.json)
if(TARGET man_pages)
  add_dependencies(package_files man_pages)
endif()
install(FILES ${made}/changelog.gz ${made}/CHANGELOG.md.gz ${made}/penstock.cdx.json DESTINATION ${doc} OPTIONAL)

file(WRITE ${made}/conffiles "/etc/logrotate.d/penstock\n/etc/penstock/penstock.toml\n")

set(PENSTOCK_MAINTAINER "Penstock maintainers <maintainers@penstock.example>" CACHE STRING "Maintainer of the Debian package")
set(CPACK_GENERATOR DEB)
set(CPACK_SET_DESTDIR ON)  # /etc lies outside of the prefix
set(CPACK_INSTALL_PREFIX ${CMAKE_INSTALL_PREFIX})
set(CPACK_STRIP_FILES ON)
set(CPACK_PRE_BUILD_SCRIPTS ${folder}/packaging/same_bytes.cmake)
set(CPACK_PENSTOCK_SOURCE_DATE ${made}/source-date)
set(CPACK_PACKAGE_NAME penstock)
set(CPACK_PACKAGE_CONTACT ${PENSTOCK_MAINTAINER})
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_COMPRESSION_TYPE xz)
set(CPACK_DEBIAN_PACKAGE_SECTION net)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_DEPENDS adduser)
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS logrotate)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA ${made}/conffiles
  ${folder}/packaging/postinst ${folder}/packaging/prerm ${folder}/packaging/postrm)
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "ingestion endpoint that loses nothing between sockets and files")
set(CPACK_PACKAGE_DESCRIPTION
"Penstock takes what agents and applications send (syslog, statsd, lines and
datagrams of any kind) on any number of tcp, udp and unix sockets, and writes
it to files.
.
What it has read is delivered or accounted for in a ledger; what it has not
read stays with the sender; and stopping it resets no connection.")
include(CPack)
