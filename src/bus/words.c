/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bus/words.h"

#include "base/text.h"

static const char *const states[_STATE_MAX] = {
        [STATE_PENDING] = "pending",
        [STATE_ACTIVE] = "active",
        [STATE_DELETING] = "deleting",
        [STATE_FAILED] = "failed",
};

static const char *const modes[_MODE_MAX] = {
        [MODE_NONE] = "none",
        [MODE_SESSION] = "session",
        [MODE_PARTICIPANTS] = "participants",
};

static const char *const lifetimes[_LIFETIME_MAX] = {
        [LIFETIME_PERSISTENT] = "persistent",
        [LIFETIME_CLIENT] = "client",
};

static const char *const api_states[_API_STATE_MAX] = {
        [API_STATE_UNKNOWN] = "unknown",           [API_STATE_ONLINE] = "online",
        [API_STATE_THROTTLED] = "throttled",       [API_STATE_OFFLINE] = "offline",
        [API_STATE_UNAUTHORIZED] = "unauthorized",
};

const char *state_word(State state) {
        return states[state];
}

const char *mode_word(Mode mode) {
        return modes[mode];
}

const char *lifetime_word(Lifetime lifetime) {
        return lifetimes[lifetime];
}

const char *api_state_word(ApiState state) {
        return api_states[state];
}

bool state_parse(const char *word, State *ret) {
        for (State state = 0; state < _STATE_MAX; state++)
                if (streq(word, states[state])) {
                        *ret = state;
                        return true;
                }
        return false;
}

bool mode_parse(const char *word, Mode *ret) {
        for (Mode mode = 0; mode < _MODE_MAX; mode++)
                if (streq(word, modes[mode])) {
                        *ret = mode;
                        return true;
                }
        return false;
}

unsigned permission_parse(const char *word) {
        if (streq(word, "AUDIO"))
                return PUBLISH_AUDIO;
        return streq(word, "VIDEO") ? PUBLISH_VIDEO : 0;
}

const char *const *permission_words(unsigned permissions) {
        static const char *const words[][3] = {
                [0] = { NULL },
                [PUBLISH_AUDIO] = { "AUDIO" },
                [PUBLISH_VIDEO] = { "VIDEO" },
                [PUBLISH_AUDIO | PUBLISH_VIDEO] = { "AUDIO", "VIDEO" },
        };

        return words[permissions & (PUBLISH_AUDIO | PUBLISH_VIDEO)];
}
