/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bus/arguments.h"

#include <errno.h>

#include "base/text.h"
#include "bus/errors.h"
#include "bus/path.h"
#include "bus/words.h"

/* What doc/architecture.md bounds. */
#define ALIAS_BYTES_MAX 128
#define ALIASES_MAX     32

/* The bytes of four for each code point. */
#define TAG_BYTES_MAX (4 * TAG_CODE_POINTS_MAX)

/* More than any property's name has; D-Bus Specification, "Message Protocol": no name is longer. */
#define FIELD_BYTES_MAX 255

typedef int (*ArgumentReader)(sd_bus_message *message, Arguments *arguments, sd_bus_error *error);

/* What is longer than any text may be is refused for that, by the caller: to look at each character
 * of 30 MB would have everybody wait. */
static int text_read(sd_bus_message *message, const char *key, const char **ret,
                     sd_bus_error *error) {
        const char *text;
        int r;

        r = sd_bus_message_read_basic(message, 's', &text);
        if (r < 0)
                return r;
        *ret = text;
        if (strlen(text) <= CALLBACK_URL_BYTES_MAX && text_has_controls(text))
                return error_set_argument(error, key, "has a control character in it");
        return 0;
}

static int flag_read(sd_bus_message *message, bool *ret) {
        int flag, r;

        r = sd_bus_message_read_basic(message, 'b', &flag);
        if (r < 0)
                return r;

        *ret = flag;
        return 0;
}

static int read_tag(sd_bus_message *message, Arguments *arguments, sd_bus_error *error) {
        const char *tag;
        size_t n;
        int r;

        r = text_read(message, "Tag", &tag, error);
        if (r < 0)
                return r;
        if (strlen(tag) > TAG_BYTES_MAX || !text_code_points(tag, &n) || n > TAG_CODE_POINTS_MAX)
                return error_set_argument(error, "Tag", "has more than %d characters",
                                          TAG_CODE_POINTS_MAX);

        arguments->tag = tag;
        return 0;
}

static int read_lifetime(sd_bus_message *message, Arguments *arguments, sd_bus_error *error) {
        const char *word;
        int r;

        r = text_read(message, "Lifetime", &word, error);
        if (r < 0)
                return r;
        for (Lifetime lifetime = 0; lifetime < _LIFETIME_MAX; lifetime++)
                if (streq(word, lifetime_word(lifetime))) {
                        arguments->lifetime = lifetime;
                        return 0;
                }
        return error_set_argument(error, "Lifetime", "must be \"%s\" or \"%s\"",
                                  lifetime_word(LIFETIME_PERSISTENT),
                                  lifetime_word(LIFETIME_CLIENT));
}

static int read_wait(sd_bus_message *message, Arguments *arguments, sd_bus_error *error) {
        (void)error;
        return flag_read(message, &arguments->wait);
}

static int read_at_most_once(sd_bus_message *message, Arguments *arguments, sd_bus_error *error) {
        (void)error;
        return flag_read(message, &arguments->at_most_once);
}

static int read_in_sync(sd_bus_message *message, Arguments *arguments, sd_bus_error *error) {
        (void)error;
        return flag_read(message, &arguments->in_sync);
}

static int read_callback_url(sd_bus_message *message, Arguments *arguments, sd_bus_error *error) {
        const char *url;
        int r;

        r = text_read(message, "CallbackUrl", &url, error);
        if (r < 0)
                return r;
        if (strlen(url) > CALLBACK_URL_BYTES_MAX)
                return error_set_argument(error, "CallbackUrl", "has more than %d bytes",
                                          CALLBACK_URL_BYTES_MAX);
        if (!text_is_web_url(url))
                return error_set_argument(error, "CallbackUrl", "is no http or https URL");

        arguments->callback_url = url;
        return 0;
}

static int read_publish_permissions(sd_bus_message *message, Arguments *arguments,
                                    sd_bus_error *error) {
        const char *word;
        int r;

        r = sd_bus_message_enter_container(message, 'a', "s");
        if (r < 0)
                return r;
        while ((r = sd_bus_message_read_basic(message, 's', &word)) > 0) {
                unsigned permission = permission_parse(word);

                if (permission == 0)
                        return error_set_argument(error, "PublishPermissions",
                                                  "only \"AUDIO\" and \"VIDEO\" are permissions");
                if (arguments->permissions & permission)
                        return error_set_argument(error, "PublishPermissions",
                                                  "\"%s\" is listed twice", word);
                arguments->permissions |= permission;
        }
        return r < 0 ? r : sd_bus_message_exit_container(message);
}

static int read_device_api_version(sd_bus_message *message, Arguments *arguments,
                                   sd_bus_error *error) {
        const char *version;
        int r;

        r = text_read(message, "DeviceApiVersion", &version, error);
        if (r < 0)
                return r;
        if (!streq(version, "V3"))
                return error_set_argument(error, "DeviceApiVersion", "only \"V3\" is supported");

        arguments->device_api_version = version;
        return 0;
}

static int read_session(sd_bus_message *message, Arguments *arguments, sd_bus_error *error) {
        const char *path;
        int r;

        r = sd_bus_message_read_basic(message, 'o', &path);
        if (r < 0)
                return r;

        arguments->session = 0;
        if (streq(path, "/") || path_parse(path, KIND_SESSION, &arguments->session))
                return 0;
        return error_set_no_such(error, OUTCOME_NO_SUCH_SESSION, path);
}

int arguments_read_mode(sd_bus_message *message, Arguments *arguments, sd_bus_error *error) {
        const char *word;
        int r;

        r = sd_bus_message_read_basic(message, 's', &word);
        if (r < 0)
                return r;
        if (!mode_parse(word, &arguments->mode))
                return error_set_argument(
                        error, "SubscriptionMode",
                        "must be one of \"none\", \"session\" and \"participants\"");
        arguments->given |= ARGUMENT_BIT(ARGUMENT_SUBSCRIPTION_MODE);
        return 0;
}

static int alias_check(const Publisher *publisher, const char *alias, sd_bus_error *error) {
        size_t n = strlen(alias);

        if (n < 1 || n > ALIAS_BYTES_MAX)
                return error_set_argument(error, "Publishers",
                                          "a stream alias has 1 to %d bytes, not %zu",
                                          ALIAS_BYTES_MAX, n);
        if (text_has_controls(alias))
                return error_set_argument(error, "Publishers",
                                          "a stream alias has a control character in it");
        if (publisher->n_aliases == ALIASES_MAX)
                return error_set_argument(error, "Publishers",
                                          "more than %d stream aliases of one publisher",
                                          ALIASES_MAX);
        for (size_t i = 0; i < publisher->n_aliases; i++)
                if (streq(publisher->aliases[i], alias))
                        return error_set_argument(error, "Publishers",
                                                  "a stream alias is listed twice");
        return 0;
}

static int read_aliases(sd_bus_message *message, Publisher *publisher, sd_bus_error *error) {
        const char *alias;
        int r;

        r = sd_bus_message_enter_container(message, 'a', "s");
        if (r < 0)
                return r;
        while ((r = sd_bus_message_read_basic(message, 's', &alias)) > 0) {
                r = alias_check(publisher, alias, error);
                if (r < 0)
                        return r;
                if (!publisher->aliases)
                        publisher->aliases = calloc(ALIASES_MAX, sizeof(char *));
                if (!publisher->aliases)
                        return -ENOMEM;
                publisher->aliases[publisher->n_aliases] = strdup(alias);
                if (!publisher->aliases[publisher->n_aliases])
                        return -ENOMEM;
                publisher->n_aliases++;
        }
        return r < 0 ? r : sd_bus_message_exit_container(message);
}

static int read_publisher(sd_bus_message *message, Arguments *arguments, sd_bus_error *error) {
        Publisher *publisher = arguments->publishers + arguments->n_publishers;
        const char *path;
        int r;

        r = sd_bus_message_read_basic(message, 'o', &path);
        if (r < 0)
                return r;
        if (arguments->n_publishers == SESSION_MEMBERS_MAX)
                return error_set_argument(error, "Publishers", "more than %d publishers",
                                          SESSION_MEMBERS_MAX);
        if (!path_parse(path, KIND_PARTICIPANT, &publisher->number))
                return error_set_no_such(error, OUTCOME_NO_SUCH_PARTICIPANT, path);
        for (size_t i = 0; i < arguments->n_publishers; i++)
                if (arguments->publishers[i].number == publisher->number)
                        return error_set_argument(error, "Publishers", "%s is listed twice", path);

        arguments->n_publishers++;
        return read_aliases(message, publisher, error);
}

int arguments_read_publishers(sd_bus_message *message, Arguments *arguments, sd_bus_error *error) {
        int r;

        arguments->publishers = calloc(SESSION_MEMBERS_MAX, sizeof(Publisher));
        if (!arguments->publishers)
                return -ENOMEM;

        r = sd_bus_message_enter_container(message, 'a', "(oas)");
        if (r < 0)
                return r;
        while ((r = sd_bus_message_enter_container(message, 'r', "oas")) > 0) {
                r = read_publisher(message, arguments, error);
                if (r < 0)
                        return r;
                r = sd_bus_message_exit_container(message);
                if (r < 0)
                        return r;
        }
        if (r < 0)
                return r;

        arguments->given |= ARGUMENT_BIT(ARGUMENT_PUBLISHERS);
        return sd_bus_message_exit_container(message);
}

static int read_state(sd_bus_message *message, Arguments *arguments, sd_bus_error *error) {
        const char *word;
        int r;

        r = sd_bus_message_read_basic(message, 's', &word);
        if (r < 0)
                return r;
        if (!state_parse(word, &arguments->state))
                return error_set_argument(error, "State",
                                          "must be one of \"pending\", \"active\", \"deleting\" "
                                          "and \"failed\"");
        return 0;
}

static int read_owner(sd_bus_message *message, Arguments *arguments, sd_bus_error *error) {
        (void)error;
        return sd_bus_message_read_basic(message, 'u', &arguments->owner);
}

static int read_id_prefix(sd_bus_message *message, Arguments *arguments, sd_bus_error *error) {
        const char *prefix;
        int r;

        r = sd_bus_message_read_basic(message, 's', &prefix);
        if (r < 0)
                return r;
        if (!api_id_is_prefix(prefix))
                return error_set_argument(error, "IdPrefix", "no id begins like this");

        arguments->id_prefix = prefix;
        return 0;
}

static int read_fields(sd_bus_message *message, Arguments *arguments, sd_bus_error *error) {
        const char *field;
        size_t n = 0;
        int r;

        r = sd_bus_message_enter_container(message, 'a', "s");
        if (r < 0)
                return r;
        while ((r = sd_bus_message_read_basic(message, 's', &field)) > 0) {
                if (n == ARGUMENT_FIELDS_MAX)
                        return error_set_argument(error, "Fields",
                                                  "lists more than there are properties");
                if (strlen(field) > FIELD_BYTES_MAX)
                        return error_set_argument(error, "Fields", "\"%.*s\" is no property",
                                                  error_echo(field), field);
                arguments->fields[n++] = field;
        }
        return r < 0 ? r : sd_bus_message_exit_container(message);
}

static const struct {
        const char *key, *signature;
        ArgumentReader read;
} table[_ARGUMENT_MAX] = {
        [ARGUMENT_TAG] = { "Tag", "s", read_tag },
        [ARGUMENT_LIFETIME] = { "Lifetime", "s", read_lifetime },
        [ARGUMENT_WAIT] = { "Wait", "b", read_wait },
        [ARGUMENT_AT_MOST_ONCE] = { "AtMostOnce", "b", read_at_most_once },
        [ARGUMENT_CALLBACK_URL] = { "CallbackUrl", "s", read_callback_url },
        [ARGUMENT_PUBLISH_PERMISSIONS] = { "PublishPermissions", "as", read_publish_permissions },
        [ARGUMENT_DEVICE_API_VERSION] = { "DeviceApiVersion", "s", read_device_api_version },
        [ARGUMENT_SESSION] = { "Session", "o", read_session },
        [ARGUMENT_SUBSCRIPTION_MODE] = { "SubscriptionMode", "s", arguments_read_mode },
        [ARGUMENT_PUBLISHERS] = { "Publishers", "a(oas)", arguments_read_publishers },
        [ARGUMENT_STATE] = { "State", "s", read_state },
        [ARGUMENT_OWNER] = { "Owner", "u", read_owner },
        [ARGUMENT_IN_SYNC] = { "InSync", "b", read_in_sync },
        [ARGUMENT_ID_PREFIX] = { "IdPrefix", "s", read_id_prefix },
        [ARGUMENT_FIELDS] = { "Fields", "as", read_fields },
};

static Argument argument_find(const char *key, unsigned accepted) {
        for (Argument argument = 0; argument < _ARGUMENT_MAX; argument++)
                if (accepted & ARGUMENT_BIT(argument) && streq(table[argument].key, key))
                        return argument;
        return _ARGUMENT_MAX;
}

/* Reads one entry of the dictionary, from within it. */
static int entry_read(sd_bus_message *message, unsigned accepted, Arguments *arguments,
                      sd_bus_error *error) {
        const char *key, *signature;
        Argument argument;
        int r;

        r = sd_bus_message_read_basic(message, 's', &key);
        if (r < 0)
                return error_set_unread(error, "A key", r);
        argument = argument_find(key, accepted);
        if (argument == _ARGUMENT_MAX)
                return error_set_argument(error, key, "this method does not know the key");
        if (arguments_have(arguments, argument))
                return error_set_argument(error, key, "the key is repeated");

        r = sd_bus_message_peek_type(message, NULL, &signature);
        if (r < 0)
                return r;
        if (!streq(signature, table[argument].signature))
                return error_set_argument(error, key, "must have the type \"%s\", not \"%s\"",
                                          table[argument].signature, signature);

        r = sd_bus_message_enter_container(message, 'v', signature);
        if (r < 0)
                return r;
        r = table[argument].read(message, arguments, error);
        if (r < 0)
                return error_set_unread(error, key, r);
        arguments->given |= ARGUMENT_BIT(argument);
        return sd_bus_message_exit_container(message);
}

int arguments_read(sd_bus_message *message, unsigned accepted, Arguments *arguments,
                   sd_bus_error *error) {
        int r;

        r = sd_bus_message_enter_container(message, 'a', "{sv}");
        if (r < 0)
                return r;
        while ((r = sd_bus_message_enter_container(message, 'e', "sv")) > 0) {
                r = entry_read(message, accepted, arguments, error);
                if (r < 0)
                        return r;
                r = sd_bus_message_exit_container(message);
                if (r < 0)
                        return r;
        }
        return r < 0 ? r : sd_bus_message_exit_container(message);
}

void arguments_init(Arguments *arguments) {
        *arguments = (Arguments){
                .tag = "", .callback_url = "", .device_api_version = "V3", .wait = true
        };
}

void arguments_deinit(Arguments *arguments) {
        publishers_free(arguments->publishers, arguments->n_publishers);
        *arguments = (Arguments){ 0 };
}

int arguments_settle_subscriptions(Arguments *arguments, sd_bus_error *error) {
        if (!arguments_have(arguments, ARGUMENT_SUBSCRIPTION_MODE))
                arguments->mode = arguments_have(arguments, ARGUMENT_PUBLISHERS) ? MODE_PARTICIPANTS
                                                                                 : MODE_NONE;
        if (arguments->mode == MODE_PARTICIPANTS && arguments->n_publishers == 0)
                return error_set_argument(error, "Publishers",
                                          "the mode \"participants\" needs at least one publisher");
        if (arguments->mode != MODE_PARTICIPANTS && arguments->n_publishers > 0)
                return error_set_argument(error, "Publishers", "the mode \"%s\" takes none",
                                          mode_word(arguments->mode));
        return 0;
}
