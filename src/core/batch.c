/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/batch.h"

bool batch_needs_disk(const Batch *batch) {
        if (batch->counters_changed)
                return true;
        for (size_t i = 0; i < batch->n_rows; i++)
                if (batch->rows[i].to_disk)
                        return true;
        return false;
}

void effect_deinit(Effect *effect) {
        switch (effect->kind) {
        case EFFECT_REQUEST:
                request_deinit(&effect->request);
                break;
        case EFFECT_REPLY:
                free(effect->reply.message);
                break;
        case EFFECT_LOG:
                spec_unref(effect->log.spec);
                free(effect->log.request_id);
                free(effect->log.text);
                break;
        case _EFFECT_KIND_MAX:
                break;
        }
        *effect = (Effect){ 0 };
}
