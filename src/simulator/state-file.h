/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What survives a restart: a file of JSON lines. The first names the account; each other is an
 * object as it is now, or the id of one that is gone; the last about an object counts. Lines are
 * appended before the answer goes out, and written anew, one for each object, at every start.
 */

#include "simulator/world.h"

typedef struct StateFile StateFile;

/**
 * state_file_open() - bring back what a file holds, and go on writing to it
 * @path:       need not exist yet; borrowed, and outlives the file
 * @world:      empty; what is restored is settled
 * @ret_starts: how often the file has been opened, this time included: whoever draws ids from a
 *              seed mixes it in, or ids would come again
 * @ret_line:   set with -EBADMSG: the line that cannot be read; a last line without its end was
 *              cut off by a crash, and is not an error
 *
 * Return: 0; -EBADMSG; -EXDEV: the file belongs to another account; another negative errno.
 */
int state_file_open(StateFile **ret, const char *path, World *world, uint64_t *ret_starts,
                    unsigned *ret_line);
StateFile *state_file_close(StateFile *file);

DEFINE_CLEANUP(StateFile, state_file_close);

/** state_file_save() - append what is touched. Does not settle the world. 0 or negative errno. */
int state_file_save(StateFile *file, const World *world);
