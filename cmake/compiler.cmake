# SPDX-License-Identifier: Apache-2.0
# Flags of every target of ours; warnings are errors.
add_library(squall_compiler INTERFACE)
target_include_directories(squall_compiler INTERFACE ${PROJECT_SOURCE_DIR})
target_compile_options(squall_compiler INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion -Wnon-virtual-dtor -Werror)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # gcc 12 reports these from inside its own library when inlining std::variant and std::string.
  target_compile_options(squall_compiler INTERFACE -Wno-maybe-uninitialized -Wno-restrict)
else()
  # clang 19 reports libstdc++ 12's own std::stable_sort, and the C in libbpf's LIBBPF_OPTS.
  target_compile_options(squall_compiler INTERFACE
    -Wno-deprecated-declarations -Wno-gnu-statement-expression-from-macro-expansion
    -Wno-c99-extensions -Wno-missing-designated-field-initializers)
endif()
target_link_options(squall_compiler INTERFACE -Wl,--as-needed)
if(SQUALL_SANITIZE)
  target_compile_options(squall_compiler INTERFACE
    -fsanitize=${SQUALL_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(squall_compiler INTERFACE -fsanitize=${SQUALL_SANITIZE})
else()
  # Small and quick to start: what is not used is left out, relocations are packed.
  target_compile_options(squall_compiler INTERFACE
    $<$<NOT:$<CONFIG:Debug>>:-ffunction-sections$<SEMICOLON>-fdata-sections>)
  target_link_options(squall_compiler INTERFACE -Wl,--gc-sections -Wl,-z,pack-relative-relocs)
endif()
find_program(CCACHE ccache)
if(CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE})
endif()
