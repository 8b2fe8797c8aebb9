/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What --publish= takes. */

#define PUBLISH_MAX 2

/**
 * publish_parse() - read a list of what a participant may publish
 * @list: "audio", "video", both with a comma between, "none", or nothing
 * @ret:  the permissions as D-Bus has them; NULL ends them
 *
 * Return: NULL, or what is wrong, in fresh memory.
 */
char *publish_parse(const char *list, const char *ret[static PUBLISH_MAX + 1]);
