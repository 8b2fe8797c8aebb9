/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* How many objects each uid has, for quotas. Objects that are not durable yet count, too: whoever
 * asks for many at once is not to have more than whoever asks for one after the other. Private to
 * core/. */

#include <bsd/sys/tree.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct Owner {
        RB_ENTRY(Owner) by_uid;
        uint32_t uid;
        uint32_t n_objects, n_strangers; /* strangers are outside of quotas ... */
        uint32_t n_pending; /* ... but what is wanted of them is not; of both, not in sync */
} Owner;

RB_HEAD(Owners, Owner);

void owners_init(struct Owners *owners);
void owners_deinit(struct Owners *owners);
/* NULL: that uid has no objects. */
Owner *owners_find(const struct Owners *owners, uint32_t uid);
/* One object more. Return: 0, -ENOMEM. */
int owners_add(struct Owners *owners, uint32_t uid, bool stranger);
/* One object less, which was counted as pending or not. */
void owners_remove(struct Owners *owners, uint32_t uid, bool stranger, bool pending);
