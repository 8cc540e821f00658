// SPDX-License-Identifier: Apache-2.0

#include "scenarios/probe/http_library.hpp"

#include <dlfcn.h>
#include <memory>

namespace squall {
namespace {

Error unusable(std::string what) {
  return {ErrorKind::unsupported,
          std::move(what),
          "install it: 'apt-get install libcurl4' (package libcurl on other distributions)",
          {},
          0};
}

template <class F>
bool find(void* library, const char* name, F& function) {
  function = reinterpret_cast<F>(::dlsym(library, name));
  return function != nullptr;
}

Result<const HttpLibrary*> load() {
  // Never closed again: it has threads and handlers of its own.
  void* library = nullptr;
  for (const char* name : {"libcurl.so.4", "libcurl-gnutls.so.4"})
    if (!library) library = ::dlopen(name, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
  if (!library) return unusable("an http probe needs libcurl, which is not installed");
  static HttpLibrary curl;
  const bool complete = find(library, "curl_global_init", curl.global_init) &&
                        find(library, "curl_multi_init", curl.multi_init) &&
                        find(library, "curl_multi_cleanup", curl.multi_cleanup) &&
                        find(library, "curl_multi_setopt", curl.multi_setopt) &&
                        find(library, "curl_multi_add_handle", curl.multi_add_handle) &&
                        find(library, "curl_multi_remove_handle", curl.multi_remove_handle) &&
                        find(library, "curl_multi_socket_action", curl.multi_socket_action) &&
                        find(library, "curl_multi_info_read", curl.multi_info_read) &&
                        find(library, "curl_easy_init", curl.easy_init) &&
                        find(library, "curl_easy_cleanup", curl.easy_cleanup) &&
                        find(library, "curl_easy_setopt", curl.easy_setopt) &&
                        find(library, "curl_easy_getinfo", curl.easy_getinfo) &&
                        find(library, "curl_easy_strerror", curl.easy_strerror) &&
                        find(library, "curl_slist_append", curl.slist_append) &&
                        find(library, "curl_slist_free_all", curl.slist_free_all);
  if (!complete || curl.global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
    return unusable("the libcurl that is installed cannot be used");
  return &curl;
}

}  // namespace

Result<const HttpLibrary*> http_library() {
  static const Result<const HttpLibrary*> loaded = load();
  return loaded;
}

}  // namespace squall
