# SPDX-License-Identifier: Apache-2.0
# Headers that nearly every file includes are read once per target: half of a debug build is
# reading them. Only for builds that test; the others notice a file that lacks an include.
option(SQUALL_PRECOMPILE "precompile headers" OFF)

function(squall_precompile target)
  if(SQUALL_PRECOMPILE)
    target_precompile_headers(${target} PRIVATE ${ARGN}
      <algorithm> <array> <charconv> <chrono> <expected> <filesystem> <fstream> <functional> <map>
      <memory> <optional> <set> <span> <sstream> <string> <string_view> <utility> <variant> <vector>)
    if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
      # So that ccache may keep what is made with them.
      target_compile_options(${target} PRIVATE "SHELL:-Xclang -fno-pch-timestamp")
    endif()
  endif()
endfunction()
