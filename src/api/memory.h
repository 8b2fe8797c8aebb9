/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * libcurl copies credentials into its handles and connections, and bodies with tokens through its
 * buffers, and gives all of that back as it is. So it gets memory that is overwritten when it is
 * given back. (What OpenSSL has decrypted stays OpenSSL's business.)
 */

#include <curl/curl.h>

/* As curl_global_init(), to be undone by curl_global_cleanup(). Only the first of a process
 * counts. */
CURLcode memory_init_curl(void);
