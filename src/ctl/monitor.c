/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* monitor: changes as they happen, a line each. */

#include <errno.h>
#include <stdio.h>
#include <time.h>

#include "base/text.h"
#include "ctl/describe.h"
#include "ctl/memory.h"
#include "ctl/object.h"
#include "ctl/redact.h"
#include "ctl/verbs.h"
#include "ctl/width.h"
#include "proto/names.h"

typedef struct Monitor {
        Ctl *ctl;
        Object object; /* number 0: everything */
        bool over;     /* the one object is gone */
} Monitor;

/* One thing that happened, to be printed. */
typedef struct Event {
        const char *what, *path;
        json_object *facts; /* what it brought; NULL: nothing */
} Event;

/* One object a line, whichever of the two kinds of JSON was asked for. */
static void print_json(const Event *event) {
        CLEANUP(json_freep) json_object *line = must(json_object_new_object());

        json_object_object_add(line, "Event", must(json_object_new_string(event->what)));
        json_object_object_add(line, "Path", must(json_object_new_string(event->path)));
        if (event->facts)
                facts_merge(line, event->facts);
        puts(json_object_to_json_string_ext(line, JSON_C_TO_STRING_PLAIN |
                                                          JSON_C_TO_STRING_NOSLASHESCAPE));
}

/* The tag of an object that a signal is about; it may be gone already, then "". Fresh memory. */
static char *tag_of(Ctl *ctl, const Object *object) {
        CLEANUP(message_unrefp) sd_bus_message *call = NULL, *reply = NULL;
        const char *tag;

        call = ctl_message(ctl, object->path, "org.freedesktop.DBus.Properties", "Get");
        must_bus(sd_bus_message_append(call, "ss", kind_names[object->kind].interface, "Tag"));
        if (sd_bus_call(ctl->bus, call, USEC_PER_SEC, NULL, &reply) < 0 ||
            sd_bus_message_read(reply, "v", "s", &tag) < 0)
                return must(strdup(""));
        return redact_word(&ctl->options, "tag", tag);
}

static char *label_of(Ctl *ctl, const Event *event) {
        CLEANUP(freep) char *tag = NULL;
        Object object;

        if (!object_from_path(event->path, &object))
                return must(strdup("convened"));

        tag = streq(event->what, "removed") ? must(strdup("")) : tag_of(ctl, &object);
        return object_label(&object, tag);
}

static void print_line(Ctl *ctl, const Event *event) {
        CLEANUP(freep) char *label = label_of(ctl, event), *printable = NULL, *line = NULL;
        CLEANUP(freep) char *news = event->facts ? describe_news(event->facts) : must(strdup(""));
        bool changed = streq(event->what, "changed");
        time_t now = time(NULL);
        char stamp[16] = "";
        struct tm tm;

        /* Times of attempts and of verification alone are no news to a person. */
        if (changed && !news[0])
                return;

        if (localtime_r(&now, &tm))
                strftime(stamp, sizeof(stamp), "%H:%M:%S", &tm);
        line = changed ? format("%s: %s", label, news)
                       : format("%s %s%s%s", label, event->what, news[0] ? ": " : "", news);
        printable = width_printable(line);
        printf("%s%s%s %s\n", screen_on(&ctl->screen, COLOUR_FAINT), stamp,
               screen_off(&ctl->screen, COLOUR_FAINT), printable);
}

static void print_event(const Monitor *monitor, const Event *event) {
        if (monitor->ctl->options.json != JSON_OFF)
                print_json(event);
        else
                print_line(monitor->ctl, event);
        fflush(stdout);
}

/* Whether the monitor is about this path. */
static bool concerns(const Monitor *monitor, const char *path) {
        return monitor->object.number == 0 || streq(path, monitor->object.path);
}

static bool is_ours(const char *interface) {
        return streq(interface, CONVENED_MANAGER) || streq(interface, CONVENED_SESSION) ||
               streq(interface, CONVENED_PARTICIPANT);
}

static int on_changed(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        CLEANUP(json_freep) json_object *facts = NULL;
        Event event = { .what = "changed", .path = sd_bus_message_get_path(m) };
        const char *interface;

        (void)error;
        if (!concerns(userdata, event.path) || sd_bus_message_read(m, "s", &interface) < 0 ||
            !is_ours(interface) || value_read(m, &facts) < 0)
                return 0;
        redact_facts(&((Monitor *)userdata)->ctl->options, facts);
        event.facts = facts;
        print_event(userdata, &event);
        return 0;
}

/* The properties of our own interface among those that an object came with. */
static json_object *own_facts(json_object *interfaces) {
        json_object_object_foreach(interfaces, interface, facts) {
                if (is_ours(interface))
                        return facts;
        }
        return NULL;
}

static int on_added(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        CLEANUP(json_freep) json_object *interfaces = NULL;
        Event event = { .what = "added" };

        (void)error;
        if (sd_bus_message_read(m, "o", &event.path) < 0 || !concerns(userdata, event.path) ||
            value_read(m, &interfaces) < 0)
                return 0;
        event.facts = own_facts(interfaces);
        if (!event.facts)
                return 0;
        redact_facts(&((Monitor *)userdata)->ctl->options, event.facts);
        print_event(userdata, &event);
        return 0;
}

static int on_removed(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        Event event = { .what = "removed" };
        Monitor *monitor = userdata;
        Object object;

        (void)error;
        if (sd_bus_message_read(m, "o", &event.path) < 0 || !concerns(monitor, event.path) ||
            !object_from_path(event.path, &object))
                return 0;
        print_event(monitor, &event);
        monitor->over = monitor->object.number != 0;
        return 0;
}

static int on_owner(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        const char *name, *old, *new;
        Event event = { .path = CONVENED_PATH };

        (void)error;
        if (sd_bus_message_read(m, "sss", &name, &old, &new) < 0)
                return 0;
        event.what = new[0] ? "started" : "stopped";
        print_event(userdata, &event);
        return 0;
}

static Exit monitor_watch(Monitor *monitor) {
        static const struct {
                const char *rule;
                sd_bus_message_handler_t handler;
        } watches[] = {
                { "type='signal',sender='" CONVENED_BUS_NAME "',path_namespace='" CONVENED_PATH "',"
                  "interface='org.freedesktop.DBus.Properties',member='PropertiesChanged'",
                  on_changed },
                { "type='signal',sender='" CONVENED_BUS_NAME "',path='" CONVENED_PATH "',"
                  "interface='org.freedesktop.DBus.ObjectManager',member='InterfacesAdded'",
                  on_added },
                { "type='signal',sender='" CONVENED_BUS_NAME "',path='" CONVENED_PATH "',"
                  "interface='org.freedesktop.DBus.ObjectManager',member='InterfacesRemoved'",
                  on_removed },
                { "type='signal',sender='org.freedesktop.DBus',interface='org.freedesktop.DBus',"
                  "member='NameOwnerChanged',arg0='" CONVENED_BUS_NAME "'",
                  on_owner },
        };

        for (size_t i = 0; i < ELEMENTSOF(watches); i++) {
                int r = sd_bus_add_match(monitor->ctl->bus, NULL, watches[i].rule,
                                         watches[i].handler, monitor);

                if (r < 0)
                        return failure_say_bus(&monitor->ctl->options, NULL, r, NULL);
        }
        return EXIT_DONE;
}

static Exit monitor_run(Monitor *monitor) {
        Ctl *ctl = monitor->ctl;

        while (!monitor->over) {
                int r = sd_bus_process(ctl->bus, NULL);

                if (r == 0)
                        r = sd_bus_wait(ctl->bus, UINT64_MAX);
                if (r < 0 && r != -EINTR)
                        return failure_say_bus(&ctl->options, NULL, r, NULL);
                /* A reader that has gone away ends it, where SIGPIPE is ignored too. */
                if (ferror(stdout))
                        return EXIT_FAILED;
        }
        return EXIT_DONE;
}

/* Asks for something that is always there: without a service there is nothing to wait for. */
static Exit monitor_ping(Ctl *ctl) {
        CLEANUP(message_unrefp)
        sd_bus_message *call = ctl_message(ctl, CONVENED_PATH, "org.freedesktop.DBus.Peer", "Ping");

        return ctl_call(ctl, call, NULL, NULL);
}

Exit verb_monitor(Ctl *ctl) {
        Monitor monitor = { .ctl = ctl };
        Exit code = EXIT_DONE;

        if (ctl->n_words > 0)
                code = object_resolve_any(ctl, ctl->words[0], &monitor.object);
        if (code == EXIT_DONE)
                code = monitor_watch(&monitor);
        if (code == EXIT_DONE)
                code = monitor_ping(ctl);
        if (code != EXIT_DONE)
                return code;

        if (!ctl->options.no_legend) {
                CLEANUP(freep) char *bus = options_bus(&ctl->options);

                fprintf(stderr, "Watching %s on the %s.\n",
                        monitor.object.number ? monitor.object.path : CONVENED_PATH, bus);
        }
        return monitor_run(&monitor);
}
