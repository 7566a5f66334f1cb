# How everything is compiled. Every target links mtasts_options.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_C_STANDARD 11)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_CXX_VISIBILITY_PRESET hidden)
set(CMAKE_C_VISIBILITY_PRESET hidden)
set(CMAKE_VISIBILITY_INLINES_HIDDEN ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE RelWithDebInfo)
endif()

add_library(mtasts_options INTERFACE)
target_compile_options(mtasts_options INTERFACE -Wall -Wextra -Wpedantic -Wconversion)
target_include_directories(mtasts_options INTERFACE ${PROJECT_SOURCE_DIR})
target_compile_definitions(mtasts_options INTERFACE MTASTS_VERSION="${PROJECT_VERSION}")

# What makes an error in memory harder to use, in every build type and whatever flags a packager adds; tests/lint/hardening.py
# looks for it in what is shipped. A sanitizer finds those errors itself.
include(CheckPIESupported)
check_pie_supported()
target_link_options(mtasts_options INTERFACE -Wl,-z,relro,-z,now,-z,noexecstack)
# A room names the libraries of all its parts; a program needs those of the parts that it uses.
target_link_options(mtasts_options INTERFACE -Wl,--as-needed)
if(NOT MTASTS_SANITIZE AND NOT MTASTS_FUZZ)
  target_compile_options(mtasts_options INTERFACE -fstack-protector-strong -fstack-clash-protection
    "SHELL:-include ${PROJECT_SOURCE_DIR}/cmake/fortify.h")
  if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64)$")
    target_compile_options(mtasts_options INTERFACE -fcf-protection=full)
  elseif(CMAKE_SYSTEM_PROCESSOR MATCHES "^(aarch64|arm64)$")
    target_compile_options(mtasts_options INTERFACE -mbranch-protection=standard)
  endif()
endif()

if(MTASTS_SANITIZE)
  target_compile_options(mtasts_options INTERFACE -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer)
  target_link_options(mtasts_options INTERFACE -fsanitize=address,undefined)
endif()
if(MTASTS_FUZZ)
  target_compile_options(mtasts_options INTERFACE -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined)
  target_link_options(mtasts_options INTERFACE -fsanitize=address,undefined)
endif()

# A shared object that somebody else's process loads brings its own C++ runtime and shows nothing of it.
function(mtasts_self_contained target)
  if(NOT MTASTS_SANITIZE AND NOT MTASTS_FUZZ)
    target_link_options(${target} PRIVATE -static-libstdc++ -static-libgcc -Wl,--exclude-libs,ALL -Wl,--gc-sections -Wl,--no-undefined)
  endif()
endfunction()

option(MTASTS_TOGETHER "Compile several sources of a target at once, which halves the time (./dev does)" OFF)

# mtasts_together(<target> [ONLY_SANITIZED] <file>...): but for those named, whose own names others of them have as well.
# ONLY_SANITIZED: mtasts.so takes single objects of the target, and is to need the libraries of no others.
function(mtasts_together target)
  cmake_parse_arguments(PARSE_ARGV 1 arg "ONLY_SANITIZED" "" "")
  if(MTASTS_SANITIZE OR (MTASTS_TOGETHER AND NOT arg_ONLY_SANITIZED))
    set_target_properties(${target} PROPERTIES UNITY_BUILD ON)
    set_source_files_properties(${arg_UNPARSED_ARGUMENTS} PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)
  endif()
endfunction()

set(MTASTS_STORE_DIR "/var/lib/mtasts" CACHE PATH "The store of cached policies")
set(MTASTS_EXIM_GROUP "Debian-exim" CACHE STRING "Group of Exim's processes, which may ask mtastsd by exim.sock")
