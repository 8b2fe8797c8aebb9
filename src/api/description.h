/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What a session or a participant was created with, as the API tells it. It was given by anybody,
 * and nothing depends on it: what is too long is cut, and what cannot be is left out, so that all
 * of it fits a Spec. None of it makes an answer one that is not understood.
 */

#include "api/json.h"
#include "core/request.h"

/**
 * description_read() - tag, callback URL, permissions and device API version of a participant
 * @sighting: these are filled in; NULL where there is nothing
 *
 * Return: 1, -ENOMEM.
 */
int description_read(Sighting *sighting, json_object *participant);

/* A tag, of whatever type the value is. @ret: malloc'd, or left as it is. Return: 1, -ENOMEM. */
int description_read_tag(char **ret, json_object *value);
