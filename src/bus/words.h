/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The core's enums as the words that stand on the bus. */

#include "core/core.h"

const char *state_word(State state);
const char *mode_word(Mode mode);
const char *lifetime_word(Lifetime lifetime);
const char *api_state_word(ApiState state);

/* Return: true, or false where it is no such word. */
bool state_parse(const char *word, State *ret);
bool mode_parse(const char *word, Mode *ret);

/* PUBLISH_AUDIO or PUBLISH_VIDEO; 0 where the word is neither. */
unsigned permission_parse(const char *word);

/* The words of a set of permissions, ending in NULL; static. */
const char *const *permission_words(unsigned permissions);
