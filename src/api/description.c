/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "api/description.h"

#include <ctype.h>
#include <errno.h>
#include <strings.h>

#include "api/reader.h"
#include "base/text.h"

/* "V3", and whatever comes after it. */
#define DEVICE_API_VERSION_MAX 16

int description_read_tag(char **ret, json_object *value) {
        const char *text = json_text(value);
        int r;

        if (!text || !*text)
                return 1;
        r = text_fit(ret, text, TAG_CODE_POINTS_MAX);
        return r < 0 ? r : 1;
}

static bool url_is_fit(const char *url) {
        size_t n;

        return strlen(url) <= CALLBACK_URL_BYTES_MAX && text_is_web_url(url) &&
               text_code_points(url, &n) && !text_has_controls(url);
}

/* Half a URL is another one: it is taken whole, or not at all. */
static int callback_url_read(char **ret, json_object *value) {
        CLEANUP(freep) char *fit = NULL;
        const char *url = json_text(value);

        if (!url || !url_is_fit(url))
                return 0;
        if (text_fit(&fit, url, CALLBACK_URL_BYTES_MAX) < 0)
                return -ENOMEM;
        if (streq(fit, url))
                *ret = TAKE(fit);
        return 0;
}

/* The API has had it in both cases. */
static int device_api_version_read(char **ret, json_object *value) {
        const char *text = json_text(value);
        size_t n = text ? strlen(text) : 0;
        char *version;

        if (n == 0 || n > DEVICE_API_VERSION_MAX)
                return 0;
        for (size_t i = 0; i < n; i++)
                if (!isascii((unsigned char)text[i]) || !isalnum((unsigned char)text[i]))
                        return 0;
        version = strdup(text);
        if (!version)
                return -ENOMEM;
        for (size_t i = 0; i < n; i++)
                version[i] = (char)toupper((unsigned char)version[i]);
        *ret = version;
        return 0;
}

static unsigned permissions_read(json_object *list) {
        unsigned permissions = 0;

        if (!json_object_is_type(list, json_type_array))
                return 0;
        for (size_t i = 0; i < json_object_array_length(list); i++) {
                const char *word = json_text(json_object_array_get_idx(list, i));

                if (word && strcasecmp(word, "AUDIO") == 0)
                        permissions |= PUBLISH_AUDIO;
                else if (word && strcasecmp(word, "VIDEO") == 0)
                        permissions |= PUBLISH_VIDEO;
        }
        return permissions;
}

int description_read(Sighting *sighting, json_object *participant) {
        int r;

        sighting->permissions = permissions_read(json_member(participant, "publishPermissions"));
        r = description_read_tag(&sighting->tag, json_member(participant, "tag"));
        if (r >= 0)
                r = callback_url_read(&sighting->callback_url,
                                      json_member(participant, "callbackUrl"));
        if (r >= 0)
                r = device_api_version_read(&sighting->device_api_version,
                                            json_member(participant, "deviceApiVersion"));
        return r < 0 ? r : 1;
}
