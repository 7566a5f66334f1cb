# Everything that comes from the distribution.
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
pkg_check_modules(LIBIDN2 REQUIRED IMPORTED_TARGET libidn2)
pkg_check_modules(GETDNS REQUIRED IMPORTED_TARGET getdns)
pkg_check_modules(LIBPSL REQUIRED IMPORTED_TARGET libpsl)
pkg_check_modules(LIBCRYPTO REQUIRED IMPORTED_TARGET libcrypto)  # SHA-256, in the command only
pkg_check_modules(LIBEVENT REQUIRED IMPORTED_TARGET libevent_core)
pkg_check_modules(ZLIB REQUIRED IMPORTED_TARGET zlib)
find_package(tl-expected REQUIRED)
find_package(CLI11 REQUIRED)
find_package(nlohmann_json REQUIRED)

# Both flavours of libcurl share one set of headers; Debian's development packages of the two exclude each other, so the GnuTLS one is linked by its runtime name where the other's headers are installed.
pkg_check_modules(LIBCURL REQUIRED libcurl)
if("openssl" IN_LIST MTASTS_TLS)
  pkg_check_modules(OPENSSL REQUIRED IMPORTED_TARGET libssl libcrypto)
  find_library(CURL_OPENSSL_LIBRARY NAMES libcurl.so.4 REQUIRED)
endif()
if("gnutls" IN_LIST MTASTS_TLS)
  pkg_check_modules(GNUTLS REQUIRED IMPORTED_TARGET gnutls)
  find_library(CURL_GNUTLS_LIBRARY NAMES libcurl-gnutls.so.4 REQUIRED)
endif()

if(MTASTS_TESTS OR MTASTS_FUZZ)
  find_package(GTest REQUIRED)
  pkg_check_modules(CMOCKA REQUIRED IMPORTED_TARGET cmocka)
endif()
