/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/owner.h"

#include <errno.h>
#include <stdlib.h>

static int owner_compare(const Owner *a, const Owner *b) {
        return (a->uid > b->uid) - (a->uid < b->uid);
}

RB_PROTOTYPE(Owners, Owner, by_uid, owner_compare);
RB_GENERATE(Owners, Owner, by_uid, owner_compare);

void owners_init(struct Owners *owners) {
        RB_INIT(owners);
}

void owners_deinit(struct Owners *owners) {
        Owner *owner;

        while ((owner = RB_ROOT(owners))) {
                RB_REMOVE(Owners, owners, owner);
                free(owner);
        }
}

Owner *owners_find(const struct Owners *owners, uint32_t uid) {
        return RB_FIND(Owners, (struct Owners *)owners, &(Owner){ .uid = uid });
}

static uint32_t *owner_count(Owner *owner, bool stranger) {
        return stranger ? &owner->n_strangers : &owner->n_objects;
}

int owners_add(struct Owners *owners, uint32_t uid, bool stranger) {
        Owner *owner = owners_find(owners, uid);

        if (!owner) {
                owner = calloc(1, sizeof(*owner));
                if (!owner)
                        return -ENOMEM;
                owner->uid = uid;
                RB_INSERT(Owners, owners, owner);
        }
        (*owner_count(owner, stranger))++;
        return 0;
}

void owners_remove(struct Owners *owners, uint32_t uid, bool stranger, bool pending) {
        Owner *owner = owners_find(owners, uid);

        owner->n_pending -= pending;
        (*owner_count(owner, stranger))--;
        if (owner->n_objects > 0 || owner->n_strangers > 0)
                return;
        RB_REMOVE(Owners, owners, owner);
        free(owner);
}
