/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/failure.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "ctl/memory.h"
#include "ctl/redact.h"
#include "ctl/width.h"
#include "proto/names.h"

/* What a bus says that leaves the start of services to systemd. */
#define NOT_ENABLED "org.freedesktop.systemd1.NoSuchUnit"
#define MASKED      "org.freedesktop.systemd1.UnitMasked"
#define NEVER_CAME  "org.freedesktop.DBus.Error.TimedOut"

static const struct Known {
        const char *name;
        Exit code;
        const char *hint;
} known[] = {
        { CONVENED_ERROR_NO_SUCH_SESSION, EXIT_NOT_FOUND, "See: convenectl list-sessions" },
        { CONVENED_ERROR_NO_SUCH_PARTICIPANT, EXIT_NOT_FOUND, "See: convenectl list-participants" },
        { SD_BUS_ERROR_UNKNOWN_OBJECT, EXIT_NOT_FOUND,
          "See: convenectl list-sessions, list-participants" },
        { CONVENED_ERROR_REJECTED, EXIT_FAILED, NULL },
        { CONVENED_ERROR_UNAUTHORIZED, EXIT_FAILED,
          "Mend the file of CredentialsFile= in convened.conf, or else "
          "/etc/credstore/convened.api: see convened(8)." },
        { CONVENED_ERROR_FORBIDDEN, EXIT_FAILED,
          "The account is not entitled to this, or BaseUrl= or AccountId= in convened.conf is "
          "wrong." },
        { CONVENED_ERROR_CONFLICT, EXIT_FAILED, NULL },
        { CONVENED_ERROR_SESSION_FULL, EXIT_FAILED,
          "A session takes 20 participants: remove one first." },
        { CONVENED_ERROR_SUPERSEDED, EXIT_FAILED,
          "A later change to the same object took its place." },
        { CONVENED_ERROR_UNAVAILABLE, EXIT_FAILED, "See: convenectl status" },
        { CONVENED_ERROR_OUTCOME_UNKNOWN, EXIT_FAILED,
          "It may or may not exist at the API. Deleting it here forgets it; creating again is a "
          "new request." },
        { CONVENED_ERROR_NO_TOKEN, EXIT_FAILED,
          "A token comes with a creation that the API has confirmed; what was adopted has none." },
        { CONVENED_ERROR_STORAGE_FAILED, EXIT_FAILED,
          "Nothing was changed. Is the disk full? See the journal of convened." },
        { SD_BUS_ERROR_UNKNOWN_METHOD, EXIT_FAILED,
          "The convened that runs there is older than this convenectl: restart it." },
        { SD_BUS_ERROR_LIMITS_EXCEEDED, EXIT_FAILED,
          "Delete something, wait for what is pending, or raise the limits of [Bus] in "
          "convened.conf." },
        { SD_BUS_ERROR_SERVICE_UNKNOWN, EXIT_UNREACHABLE, NULL },
        { SD_BUS_ERROR_NAME_HAS_NO_OWNER, EXIT_UNREACHABLE, NULL },
        { NOT_ENABLED, EXIT_UNREACHABLE, NULL },
        { MASKED, EXIT_UNREACHABLE, "It is masked: an administrator does not want it to run." },
        { NEVER_CAME, EXIT_UNREACHABLE,
          "It was to be started, and did not come: see the status and the journal of convened." },
        { SD_BUS_ERROR_NO_REPLY, EXIT_UNREACHABLE,
          "If it was a change, it may have been accepted: look before you try again." },
        { SD_BUS_ERROR_TIMEOUT, EXIT_UNREACHABLE,
          "If it was a change, it may have been accepted: look before you try again." },
        { SD_BUS_ERROR_DISCONNECTED, EXIT_UNREACHABLE, NULL },
        { SD_BUS_ERROR_NO_SERVER, EXIT_UNREACHABLE, NULL },
        { "org.freedesktop.DBus.Error.Spawn.ServiceNotFound", EXIT_UNREACHABLE, NULL },
        { "org.freedesktop.DBus.Error.Spawn.ChildExited", EXIT_UNREACHABLE,
          "It was started and ended at once: see the journal of convened." },
        { SD_BUS_ERROR_ACCESS_DENIED, EXIT_DENIED,
          "It takes root or the group \"convene\", and for other people's objects more than "
          "that." },
        { SD_BUS_ERROR_INTERACTIVE_AUTHORIZATION_REQUIRED, EXIT_DENIED,
          "Call it from a session where a password can be asked for, or as root." },
        { SD_BUS_ERROR_AUTH_FAILED, EXIT_DENIED, NULL },
};

static const struct Known *known_find(const char *name) {
        for (size_t i = 0; i < ELEMENTSOF(known); i++)
                if (streq(known[i].name, name))
                        return &known[i];
        return NULL;
}

Exit failure_exit(const char *name) {
        const struct Known *entry = known_find(name);

        return entry ? entry->code : EXIT_FAILED;
}

const char *failure_hint(const char *name) {
        const struct Known *entry = known_find(name);

        return entry ? entry->hint : NULL;
}

static void say_json(const Options *options, const char *name, const char *text) {
        json_object *object = must(json_object_new_object());
        int flags = options->json == JSON_PRETTY ? JSON_C_TO_STRING_PRETTY : JSON_C_TO_STRING_PLAIN;

        json_object_object_add(object, "error", must(json_object_new_string(name)));
        json_object_object_add(object, "message", must(json_object_new_string(text)));
        fprintf(stderr, "%s\n",
                json_object_to_json_string_ext(object, flags | JSON_C_TO_STRING_NOSLASHESCAPE));
        json_object_put(object);
}

static void say(const Options *options, const char *name, const char *said, const char *hint) {
        CLEANUP(freep) char *text = redact_text(options, said), *printable = NULL;

        if (options->json != JSON_OFF) {
                say_json(options, name, text);
                return;
        }

        printable = width_printable(text);
        fprintf(stderr, "convenectl: %s\n", printable);
        if (hint)
                fprintf(stderr, "%s\n", hint);
}

Exit failure_say(const Options *options, Exit code, const char *name, const char *template, ...) {
        CLEANUP(freep) char *text = NULL;
        va_list arguments;

        va_start(arguments, template);
        if (vasprintf(&text, template, arguments) < 0)
                text = NULL;
        va_end(arguments);
        say(options, name, must(text), failure_hint(name));
        return code;
}

/* An errno of our own side of the connection, as the name that a bus would have given it. */
static const char *name_of_errno(int error) {
        switch (error) {
        case ENOTCONN:
        case ECONNRESET:
        case ECONNREFUSED:
        case ECONNABORTED:
        case EPIPE:
        case ENOENT:
        case ENOMEDIUM:
        case ENOPKG:
        case EADDRNOTAVAIL:
                return SD_BUS_ERROR_DISCONNECTED;
        case ETIMEDOUT:
        case ETIME:
                return SD_BUS_ERROR_NO_REPLY;
        case EACCES:
        case EPERM:
                return SD_BUS_ERROR_ACCESS_DENIED;
        default:
                return SD_BUS_ERROR_FAILED;
        }
}

/* What people read where the bus's own words would not help them. */
static char *reach_text(const Options *options, const char *name, const char *text) {
        CLEANUP(freep) char *bus = options_bus(options);

        if (streq(name, SD_BUS_ERROR_SERVICE_UNKNOWN) ||
            streq(name, SD_BUS_ERROR_NAME_HAS_NO_OWNER) || streq(name, NOT_ENABLED) ||
            streq(name, MASKED) || streq(name, NEVER_CAME))
                return format("convened does not run on the %s", bus);
        if (streq(name, SD_BUS_ERROR_DISCONNECTED) || streq(name, SD_BUS_ERROR_NO_SERVER))
                return format("there is no connection to the %s (%s)", bus, text);
        if (streq(name, SD_BUS_ERROR_NO_REPLY) || streq(name, SD_BUS_ERROR_TIMEOUT))
                return format("convened did not answer (%s)", text);
        return must(strdup(text));
}

static char *reach_host_hint(const Options *options, const char *name) {
        if (streq(name, SD_BUS_ERROR_DISCONNECTED) || streq(name, SD_BUS_ERROR_NO_SERVER))
                return format("Does \"ssh %s\" work, and is systemd-stdio-bridge there?",
                              options->host);
        return format("Start it with: systemctl --host=%s start convened.", options->host);
}

static char *reach_hint(const Options *options, const char *name) {
        const char *other = options->user ? "--system" : "--user", *hint = failure_hint(name);

        if (failure_exit(name) != EXIT_UNREACHABLE || hint)
                return hint ? must(strdup(hint)) : NULL;
        if (options->host)
                return reach_host_hint(options, name);
        if (streq(name, SD_BUS_ERROR_DISCONNECTED) || streq(name, SD_BUS_ERROR_NO_SERVER))
                return format("Is %s right? Or say %s, where convened runs there.",
                              options->user ? "DBUS_SESSION_BUS_ADDRESS"
                                            : "DBUS_SYSTEM_BUS_ADDRESS",
                              other);
        return format("Start it: systemctl %sstart convened. Or say %s, if it runs there.",
                      options->user ? "--user " : "", other);
}

Exit failure_say_bus(const Options *options, const sd_bus_error *error, int r, const char *doing) {
        bool remote = error && error->name && strncmp(error->name, "System.Error.", 13) != 0;
        const char *name = remote ? error->name : name_of_errno(-r);
        const char *said = error && error->message ? error->message : strerror(-r);
        CLEANUP(freep) char *text = reach_text(options, name, said);
        CLEANUP(freep) char *hint = reach_hint(options, name);
        CLEANUP(freep) char *whole = NULL;

        whole = doing && options->json == JSON_OFF ? format("%s: %s", doing, text) : TAKE(text);
        say(options, name, whole, hint);
        return failure_exit(name);
}
