# SPDX-License-Identifier: Apache-2.0
# Third-party libraries, all from Debian packages, each behind an interface target
# that is linked only where architecture allows it.
find_package(PkgConfig REQUIRED)
pkg_check_modules(NL REQUIRED IMPORTED_TARGET libnl-3.0 libnl-route-3.0)
pkg_check_modules(BPF REQUIRED IMPORTED_TARGET libbpf)
pkg_check_modules(TOML REQUIRED IMPORTED_TARGET tomlplusplus)
pkg_check_modules(SPDLOG REQUIRED IMPORTED_TARGET spdlog)
find_package(Boost 1.74 REQUIRED)
find_package(Threads REQUIRED)
find_path(CURL_HEADERS curl/curl.h REQUIRED)
find_path(JSON_HEADERS nlohmann/json.hpp REQUIRED)
find_path(CLI11_HEADERS CLI/CLI.hpp REQUIRED)
find_path(DOCTEST_HEADERS doctest/doctest.h REQUIRED)

foreach(name libnl libbpf toml spdlog json asio curl_headers cli11 doctest)
  add_library(squall_${name} INTERFACE)
endforeach()
target_link_libraries(squall_libnl INTERFACE PkgConfig::NL)
target_link_libraries(squall_libbpf INTERFACE PkgConfig::BPF)
target_link_libraries(squall_toml INTERFACE PkgConfig::TOML)
target_link_libraries(squall_spdlog INTERFACE PkgConfig::SPDLOG)
target_link_libraries(squall_asio INTERFACE Boost::boost Threads::Threads)
