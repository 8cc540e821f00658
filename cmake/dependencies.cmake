# SPDX-License-Identifier: Apache-2.0
# Third-party libraries, all from Debian packages, each behind an interface target
# that is linked only where architecture allows it.
find_package(PkgConfig REQUIRED)
pkg_check_modules(NL REQUIRED libnl-3.0 libnl-route-3.0)
find_package(Boost 1.74 REQUIRED)
find_package(Threads REQUIRED)
find_path(TOML_HEADERS toml++/toml.h REQUIRED)
find_path(CURL_HEADERS curl/curl.h REQUIRED)
find_path(JSON_HEADERS nlohmann/json.hpp REQUIRED)
find_path(CLI11_HEADERS CLI/CLI.hpp REQUIRED)
find_path(DOCTEST_HEADERS doctest/doctest.h REQUIRED)

foreach(name libnl libbpf toml json asio curl_headers cli11 doctest)
  add_library(squall_${name} INTERFACE)
endforeach()
# Archives, see docs/decisions/0009: in the order in which they need each other.
foreach(archive nl-route-3 nl-3 bpf elf z)
  find_library(ARCHIVE_${archive} lib${archive}.a REQUIRED)
endforeach()
target_include_directories(squall_libnl SYSTEM INTERFACE ${NL_INCLUDE_DIRS})
target_link_libraries(squall_libnl INTERFACE ${ARCHIVE_nl-route-3} ${ARCHIVE_nl-3} Threads::Threads)
target_link_libraries(squall_libbpf INTERFACE ${ARCHIVE_bpf} ${ARCHIVE_elf} ${ARCHIVE_z})
target_link_libraries(squall_asio INTERFACE Boost::boost Threads::Threads)
