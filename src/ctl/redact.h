/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * --redact: what can be shown to strangers. Ids, tags and their like become stand-ins, the same for
 * the same text on this machine, whichever verb prints it; they are keyed, so that nobody finds the
 * text by trying. Without --redact all of these leave everything as it is.
 */

#include <json-c/json.h>

#include "ctl/options.h"

/* The stand-in for a text that is a @noun: "tag-3f2a91c05b"; "" for "". Fresh memory. */
char *redact_word(const Options *options, const char *noun, const char *word);

/* Puts stand-ins into the properties of an object, or of the manager. */
void redact_facts(const Options *options, json_object *facts);

/* A word that was typed, and may come back in the text of a failure. */
void redact_learn(const Options *options, const char *word);

/* A text for people, without the words that were learnt and what looks like an id. Fresh memory. */
char *redact_text(const Options *options, const char *text);
