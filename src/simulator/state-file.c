/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "simulator/state-file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>

#include "base/fd.h"
#include "base/text.h"
#include "simulator/body.h"
#include "simulator/membership.h"
#include "simulator/view.h"

#define REWRITE_MIN (16 * 1024 * 1024) /* below so many appended bytes, never mind */

struct StateFile {
        const char *path;
        int fd;
        uint64_t starts;
        size_t n_rewritten, n_appended; /* bytes: at the last rewriting, and since */
};

static int write_all(int fd, const char *text, size_t n) {
        while (n > 0) {
                ssize_t written = write(fd, text, n);

                if (written < 0 && errno == EINTR)
                        continue;
                if (written < 0)
                        return -errno;
                text += written;
                n -= (size_t)written;
        }
        return 0;
}

static void add_session(Buffer *lines, const Session *session) {
        buffer_printf(lines, "{\"session\":\"%s\",\"expires\":%" PRIu64, session->object.id,
                      session->object.expires_at);
        if (session->tag) {
                buffer_add_text(lines, ",\"tag\":");
                buffer_add_json_text(lines, session->tag);
        }
        buffer_add_text(lines, "}\n");
}

static void add_text(Buffer *lines, const char *name, const char *text) {
        if (!text)
                return;

        buffer_printf(lines, ",\"%s\":", name);
        buffer_add_json_text(lines, text);
}

static void add_participant(Buffer *lines, const Participant *participant) {
        buffer_printf(lines, "{\"participant\":\"%s\",\"expires\":%" PRIu64, participant->object.id,
                      participant->object.expires_at);
        add_text(lines, "tag", participant->tag);
        add_text(lines, "callbackUrl", participant->callback_url);
        add_text(lines, "token", participant->token);
        buffer_printf(lines, ",\"permissions\":%u,\"version\":%u", participant->permissions,
                      participant->device_api_version);
        if (participant->session)
                add_text(lines, "in", participant->session->object.id);
        if (participant->heard) {
                buffer_add_text(lines, ",\"hears\":");
                view_subscriptions(lines, participant);
        }
        buffer_add_text(lines, "}\n");
}

static void add_object(Buffer *lines, Object *object) {
        if (object->gone) {
                buffer_printf(lines, "{\"gone\":\"%s\"}\n", object->id);
                return;
        }

        switch (object->kind) {
        case OBJECT_SESSION:
                add_session(lines, session_of(object));
                break;
        case OBJECT_PARTICIPANT:
                add_participant(lines, participant_of(object));
                break;
        }
}

static void add_everything(Buffer *lines, const StateFile *file, const World *world) {
        Object *object;

        buffer_add_text(lines, "{\"account\":");
        buffer_add_json_text(lines, world->settings->account);
        buffer_printf(lines, ",\"starts\":%" PRIu64 "}\n", file->starts);
        TAILQ_FOREACH(object, &world->in_order, in_order)
                if (object->kind == OBJECT_SESSION)
                        add_object(lines, object);
        TAILQ_FOREACH(object, &world->in_order, in_order)
                if (object->kind == OBJECT_PARTICIPANT)
                        add_object(lines, object);
}

/* Writes a new file beside the old one and puts it in its place. */
static int rewrite(StateFile *file, const World *world) {
        CLEANUP(buffer_deinit) Buffer lines = { 0 };
        CLEANUP(closep) int fd = -1;
        CLEANUP(freep) char *next = NULL;
        int r;

        if (asprintf(&next, "%s.new", file->path) < 0)
                return -ENOMEM;
        add_everything(&lines, file, world);
        if (lines.failed)
                return -ENOMEM;

        fd = open(next, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);
        if (fd < 0)
                return -errno;
        r = write_all(fd, lines.text, lines.n);
        if (r < 0)
                return r;
        if (rename(next, file->path) < 0)
                return -errno;

        closep(&file->fd);
        file->fd = TAKE_FD(fd);
        file->n_rewritten = lines.n;
        file->n_appended = 0;
        return 0;
}

int state_file_save(StateFile *file, const World *world) {
        CLEANUP(buffer_deinit) Buffer lines = { 0 };
        Object *object;
        int r;

        TAILQ_FOREACH(object, &world->touched, in_touched)
                add_object(&lines, object);
        if (lines.failed)
                return -ENOMEM;

        if (file->n_appended > REWRITE_MIN && file->n_appended > 4 * file->n_rewritten)
                return rewrite(file, world);
        r = write_all(file->fd, lines.text, lines.n);
        if (r < 0)
                return r;

        file->n_appended += lines.n;
        return 0;
}

static JsonObject *member(JsonObject *json, const char *name) {
        return json_object_object_get(json, name);
}

/* Replaces a string of an object by that of a line. */
static int replace(char **text, JsonObject *json, const char *name) {
        const char *value = json_text(member(json, name));
        char *new = value ? strdup(value) : NULL;

        if (value && !new)
                return -ENOMEM;

        free(*text);
        *text = new;
        return 0;
}

/* Finds the object of a line, or makes it. */
static int find_or_add(World *world, JsonObject *json, const char *id, ObjectKind kind,
                       Object **ret) {
        Object *object = world_find(world, id);
        int r;

        if (!object) {
                object = kind == OBJECT_SESSION ? (Object *)session_new()
                                                : (Object *)participant_new();
                if (!object)
                        return -ENOMEM;
                strcpy(object->id, id);
                object->expires_at = json_object_get_uint64(member(json, "expires"));
                r = world_restore(world, object);
                if (r < 0)
                        return r;
        }

        *ret = object;
        return object->kind == kind ? 0 : -EBADMSG;
}

static int read_session(World *world, JsonObject *json, const char *id) {
        Object *object;
        int r;

        r = find_or_add(world, json, id, OBJECT_SESSION, &object);
        if (r < 0)
                return r;

        return replace(&session_of(object)->tag, json, "tag");
}

static int read_texts(Participant *participant, JsonObject *json) {
        int r;

        r = replace(&participant->tag, json, "tag");
        if (r < 0)
                return r;
        r = replace(&participant->callback_url, json, "callbackUrl");
        if (r < 0)
                return r;
        r = replace(&participant->token, json, "token");
        if (r < 0)
                return r;

        return participant->token ? 0 : -EBADMSG;
}

static int read_membership(World *world, Participant *participant, JsonObject *json) {
        CLEANUP(subscriptions_freep) Subscriptions *subscriptions = NULL;
        const char *in = json_text(member(json, "in"));
        const char *heard_id = NULL;
        Session *session = in ? world_find_session(world, in) : NULL;
        Session *heard;

        if (body_read_subscriptions(member(json, "hears"), &heard_id, &subscriptions))
                return -EBADMSG;
        heard = heard_id ? world_find_session(world, heard_id) : NULL;
        if ((in && !session) || (heard_id && !heard))
                return -EBADMSG;
        if (session && session != participant->session && session->n_members >= MEMBERS_MAX)
                return -EBADMSG;

        membership_restore(world, participant, session, heard, &subscriptions);
        return 0;
}

static int read_participant(World *world, JsonObject *json, const char *id) {
        Participant *participant;
        Object *object;
        int r;

        r = find_or_add(world, json, id, OBJECT_PARTICIPANT, &object);
        if (r < 0)
                return r;

        participant = participant_of(object);
        participant->permissions = (unsigned)json_object_get_int(member(json, "permissions"));
        participant->device_api_version = (unsigned)json_object_get_int(member(json, "version"));
        r = read_texts(participant, json);
        return r < 0 ? r : read_membership(world, participant, json);
}

static int read_gone(World *world, const char *id) {
        Object *object = world_find(world, id);

        if (!object)
                return -EBADMSG;

        world_remove(world, object);
        return 0;
}

static int read_object(World *world, JsonObject *json) {
        const char *session = json_text(member(json, "session"));
        const char *participant = json_text(member(json, "participant"));
        const char *gone = json_text(member(json, "gone"));
        const char *id = session ? session : participant ? participant : gone;

        if (!id || strlen(id) > UUID_LENGTH)
                return -EBADMSG;
        if (session)
                return read_session(world, json, session);
        if (participant)
                return read_participant(world, json, participant);
        return read_gone(world, gone);
}

static int read_header(StateFile *file, const World *world, JsonObject *json) {
        const char *account = json_text(member(json, "account"));

        if (!account)
                return -EBADMSG;
        if (!streq(account, world->settings->account))
                return -EXDEV;

        file->starts = json_object_get_uint64(member(json, "starts"));
        return 0;
}

static int read_line(StateFile *file, World *world, const char *line, size_t n, bool first) {
        CLEANUP(json_unrefp) JsonObject *json = NULL;
        int r;

        if (!json_read(line, n, &json) || !json_object_is_type(json, json_type_object))
                return -EBADMSG;
        if (first)
                return read_header(file, world, json);

        r = read_object(world, json);
        world_settle(world);
        return r;
}

static int read_lines(StateFile *file, World *world, FILE *stream, unsigned *ret_line) {
        CLEANUP(freep) char *line = NULL;
        size_t capacity = 0;
        ssize_t n;
        int r;

        for (unsigned number = 1; (n = getline(&line, &capacity, stream)) > 0; number++) {
                if (line[n - 1] != '\n')
                        break;
                r = read_line(file, world, line, (size_t)n, number == 1);
                if (r < 0) {
                        *ret_line = number;
                        return r;
                }
        }
        return ferror(stream) ? -errno : 0;
}

static int read_file(StateFile *file, World *world, unsigned *ret_line) {
        FILE *stream = fopen(file->path, "re");
        int r;

        if (!stream)
                return errno == ENOENT ? 0 : -errno;

        r = read_lines(file, world, stream, ret_line);
        fclose(stream);
        return r;
}

int state_file_open(StateFile **ret, const char *path, World *world, uint64_t *ret_starts,
                    unsigned *ret_line) {
        CLEANUP(state_file_closep) StateFile *file = calloc(1, sizeof(*file));
        int r;

        if (!file)
                return -ENOMEM;

        file->path = path;
        file->fd = -1;
        r = read_file(file, world, ret_line);
        if (r < 0)
                return r;

        file->starts++;
        r = rewrite(file, world);
        if (r < 0)
                return r;

        *ret_starts = file->starts;
        *ret = TAKE(file);
        return 0;
}

StateFile *state_file_close(StateFile *file) {
        if (!file)
                return NULL;

        closep(&file->fd);
        free(file);
        return NULL;
}
