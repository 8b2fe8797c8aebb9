/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/configuration.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "daemon/ca-file.h"
#include "daemon/configuration-keys.h"
#include "daemon/ini.h"
#include "daemon/refusal.h"

#define DROPIN_DIRECTORY "convened.conf.d"
#define DROPIN_SUFFIX    ".conf"

typedef struct Loader {
        Configuration *configuration;
        ConfigurationWarning warn;
} Loader;

Configuration *configuration_free(Configuration *configuration) {
        if (!configuration)
                return NULL;

        free(configuration->base_url);
        free(configuration->account_id);
        free(configuration->credentials_file);
        free(configuration->ca_file);
        free(configuration->proxy);
        free(configuration);
        return NULL;
}

static int warn_of(const Loader *loader, const IniLine *line, const char *what) {
        CLEANUP(freep) char *text = NULL;

        if (asprintf(&text, "%s:%u: %s, ignored.", line->file, line->line, what) < 0)
                return -ENOMEM;

        loader->warn(text);
        return 0;
}

static int section_begins(const Loader *loader, const IniLine *line) {
        CLEANUP(freep) char *what = NULL;

        /* systemd leaves sections that begin so to others. */
        if (strncmp(line->section, "X-", 2) == 0 || key_section_exists(line->section))
                return 0;
        if (asprintf(&what, "Unknown section [%s]", line->section) < 0)
                return -ENOMEM;

        return warn_of(loader, line, what);
}

static int unknown_key(const Loader *loader, const IniLine *line) {
        CLEANUP(freep) char *what = NULL;

        /* A section that is unknown was warned of where it began. */
        if (line->section && !key_section_exists(line->section))
                return 0;
        if (asprintf(&what, "Unknown key %s= %s%s%s", line->key,
                     line->section ? "in section [" : "before the first section",
                     line->section ? line->section : "", line->section ? "]" : "") < 0)
                return -ENOMEM;

        return warn_of(loader, line, what);
}

static int take_line(const IniLine *line, void *userdata, char **ret_reason) {
        const Loader *loader = userdata;
        CLEANUP(freep) char *right = NULL;
        const Key *key;
        int r;

        if (!line->key)
                return section_begins(loader, line);

        key = line->section ? key_find(line->section, line->key) : NULL;
        if (!key)
                return unknown_key(loader, line);

        r = key_set(key, line->value, loader->configuration, &right);
        if (r != REFUSED)
                return r;

        return refusal(ret_reason, "%s:%u: %s= in [%s] can't be used: %s.%s", line->file,
                       line->line, line->key, line->section, right,
                       strpbrk(line->value, "#;") ? " (A comment needs a line of its own.)" : "");
}

static int is_dropin(const struct dirent *entry) {
        size_t length = strlen(entry->d_name), suffix = strlen(DROPIN_SUFFIX);

        return entry->d_name[0] != '.' && length > suffix &&
               streq(entry->d_name + length - suffix, DROPIN_SUFFIX);
}

static int by_name(const struct dirent **a, const struct dirent **b) {
        return strcmp((*a)->d_name, (*b)->d_name);
}

static int load_dropin(Loader *loader, const char *directory, const char *name, char **ret_reason) {
        CLEANUP(freep) char *path = NULL;
        struct stat st;
        int r;

        if (asprintf(&path, "%s/%s", directory, name) < 0)
                return -ENOMEM;
        /* A link to /dev/null is how systemd's users mask a drop-in. */
        if (stat(path, &st) == 0 && !S_ISREG(st.st_mode))
                return 0;

        r = ini_read(path, take_line, loader, ret_reason);
        return r == -ENOENT
                       ? refusal(ret_reason,
                                 "%s: a link to nothing; let it lead to a file, or take it away.",
                                 path)
                       : r;
}

static int load_dropins(Loader *loader, const char *main_path, char **ret_reason) {
        CLEANUP(freep) char *directory = NULL;
        const char *slash = strrchr(main_path, '/');
        struct dirent **entries = NULL;
        int n, r = 0;

        if (asprintf(&directory, "%.*s" DROPIN_DIRECTORY, slash ? (int)(slash - main_path) + 1 : 0,
                     main_path) < 0)
                return -ENOMEM;

        n = scandir(directory, &entries, is_dropin, by_name);
        if (n < 0 && (errno == ENOENT || errno == ENOTDIR))
                return 0;
        if (n < 0)
                return errno == ENOMEM ? -ENOMEM
                                       : refusal(ret_reason,
                                                 "%s: can't be read: %m. Let the user whom "
                                                 "convened runs as read it, or take it away.",
                                                 directory);

        for (int i = 0; i < n; i++) {
                if (r == 0)
                        r = load_dropin(loader, directory, entries[i]->d_name, ret_reason);
                free(entries[i]);
        }
        free(entries);
        return r;
}

static int check_ca_file(const Configuration *configuration, const char *path, char **ret_reason) {
        CLEANUP(freep) char *why = NULL;
        int r;

        if (*configuration->ca_file == '\0')
                return 0;

        r = ca_file_check(configuration->ca_file, &why);
        if (r != REFUSED)
                return r;
        return refusal(ret_reason,
                       "%s: CAFile= in [Api]: %s It must name a file with certificates, or be "
                       "empty.",
                       path, why);
}

/* What only all the values together can tell. */
static int configuration_check(const Configuration *configuration, const char *path,
                               char **ret_reason) {
        if (*configuration->account_id == '\0')
                return refusal(ret_reason,
                               "AccountId= in [Api] is not set: write the number of your "
                               "Bandwidth account into %s, as \"[Api]\" and \"AccountId=NUMBER\".",
                               path);

        if (configuration->retry_min_usec > configuration->retry_max_usec)
                return refusal(ret_reason,
                               "%s: RetryMinSec= in [Reconcile] is above RetryMaxSec=; make it "
                               "the smaller one.",
                               path);

        if (configuration->base_url_is_clear && *configuration->proxy != '\0' &&
            !configuration->proxy_is_loopback)
                return refusal(ret_reason,
                               "%s: Proxy= in [Api] on another machine would get the password in "
                               "the clear, as BaseUrl= begins with http://; leave it empty, or use "
                               "https://.",
                               path);

        return check_ca_file(configuration, path, ret_reason);
}

int configuration_load(Configuration **ret, const char *path, bool required,
                       ConfigurationWarning warn, char **ret_reason) {
        CLEANUP(configuration_freep) Configuration *configuration = NULL;
        Loader loader;
        int r;

        configuration = calloc(1, sizeof(*configuration));
        if (!configuration || keys_set_defaults(configuration) < 0)
                return -ENOMEM;

        loader = (Loader){ .configuration = configuration, .warn = warn };
        r = ini_read(path, take_line, &loader, ret_reason);
        if (r == -ENOENT && required)
                return refusal(ret_reason, "%s: no such file; give another --config=.", path);
        if (r != 0 && r != -ENOENT)
                return r;

        r = load_dropins(&loader, path, ret_reason);
        if (r != 0)
                return r;

        r = configuration_check(configuration, path, ret_reason);
        if (r != 0)
                return r;

        *ret = TAKE(configuration);
        return 0;
}

int configuration_may_follow(const Configuration *configuration, const Configuration *before,
                             const char *path, char **ret_reason) {
        const char *key;

        if (!streq(configuration->base_url, before->base_url))
                key = "BaseUrl=";
        else if (!streq(configuration->account_id, before->account_id))
                key = "AccountId=";
        else
                return 0;

        return refusal(ret_reason,
                       "%s: %s in [Api] is another one than that which the state in use belongs "
                       "to. Set it back; or restart convened, with a state directory for the new "
                       "one.",
                       path, key);
}
