/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/resolver.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <resolv.h>
#include <stdbool.h>
#include <string.h>
#include <sys/inotify.h>

#include "base/fd.h"
#include "base/text.h"
#include "daemon/journal.h"

/* The C library takes three servers and six domains from it. */
#define CONTENT_MAX 4096

#define CHANGES (IN_CLOSE_WRITE | IN_MOVED_TO | IN_CREATE)

/* One folder for the name, and one for what it leads to: often it is a link, and the file is
 * replaced, so that neither can be watched itself. */
typedef struct Folder {
        char path[PATH_MAX]; /* of the file in it */
        const char *name;    /* the last part of it */
        sd_event_source *source;
} Folder;

struct Resolver {
        sd_event *event;
        Folder link, target;
        char content[CONTENT_MAX];
        size_t n_content;
        ResolverHandler handler;
        void *userdata;
};

/* What is there is written again and again, with every lease of an address. */
static bool resolver_read(Resolver *resolver) {
        CLEANUP(closep) int fd = open(_PATH_RESCONF, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
        char content[CONTENT_MAX];
        ssize_t n = fd < 0 ? 0 : read(fd, content, sizeof(content));
        size_t n_content = n < 0 ? 0 : (size_t)n;
        bool same = n_content == resolver->n_content &&
                    memcmp(content, resolver->content, n_content) == 0;

        memcpy(resolver->content, content, n_content);
        resolver->n_content = n_content;
        return !same;
}

static int on_change(sd_event_source *source, const struct inotify_event *change, void *userdata);

static void folder_close(Folder *folder) {
        folder->source = sd_event_source_disable_unref(folder->source);
}

static int folder_watch(Resolver *resolver, Folder *folder) {
        char *slash = strrchr(folder->path, '/');
        int r;

        folder_close(folder);
        *slash = '\0';
        folder->name = slash + 1;
        r = sd_event_add_inotify(resolver->event, &folder->source, folder->path, CHANGES, on_change,
                                 resolver);
        *slash = '/';
        return r;
}

/* Where the name leads to, which may be nowhere for now. */
static void resolver_follow(Resolver *resolver) {
        char path[PATH_MAX];

        if (!realpath(_PATH_RESCONF, path))
                folder_close(&resolver->target);
        else if (!resolver->target.source || !streq(path, resolver->target.path)) {
                memcpy(resolver->target.path, path, strlen(path) + 1);
                (void)folder_watch(resolver, &resolver->target);
        }
}

static int on_change(sd_event_source *source, const struct inotify_event *change, void *userdata) {
        Resolver *resolver = userdata;
        const Folder *folder =
                source == resolver->link.source ? &resolver->link : &resolver->target;

        if (!(change->mask & IN_Q_OVERFLOW) &&
            (change->len == 0 || !streq(change->name, folder->name)))
                return 0;
        resolver_follow(resolver);
        if (resolver_read(resolver))
                resolver->handler(resolver->userdata);
        return 0;
}

int resolver_new(Resolver **ret, sd_event *event, ResolverHandler handler, void *userdata) {
        CLEANUP(resolver_freep) Resolver *resolver = calloc(1, sizeof(*resolver));
        int r;

        if (!resolver)
                return -ENOMEM;
        resolver->event = sd_event_ref(event);
        resolver->handler = handler;
        resolver->userdata = userdata;
        memcpy(resolver->link.path, _PATH_RESCONF, sizeof(_PATH_RESCONF));
        r = folder_watch(resolver, &resolver->link);
        if (r < 0) {
                errno = -r;
                journal_log(LOG_DEBUG, NULL, "Changes of %s are not seen: %m", _PATH_RESCONF);
        } else {
                resolver_follow(resolver);
                (void)resolver_read(resolver);
        }

        *ret = TAKE(resolver);
        return 0;
}

Resolver *resolver_free(Resolver *resolver) {
        if (!resolver)
                return NULL;
        folder_close(&resolver->link);
        folder_close(&resolver->target);
        sd_event_unref(resolver->event);
        free(resolver);
        return NULL;
}
