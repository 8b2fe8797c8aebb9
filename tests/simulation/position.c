/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The daemon's places, in the terms of the world that it is in. */

#include "simulation/invariants.h"

uint32_t place_handle(const Run *run, const Batch *batch, Kind kind, uint64_t number,
                      const ApiId *foreign) {
        const Row *row = number != 0 ? newest_row(run, batch, kind, number) : NULL;
        const Thing *thing = NULL;

        if (row)
                thing = world_find_row(&run->world, row);
        else if (number == 0 && foreign)
                thing = world_find(&run->world, kind, foreign);
        return thing ? thing->handle : 0;
}

bool place_position(const Run *run, const Batch *batch, const Place *place, Position *ret) {
        bool is_whole = true;
        ApiId foreign;

        *ret = (Position){ 0 };
        if (!place)
                return true;
        foreign = place_foreign(place);
        ret->session = place_handle(run, batch, KIND_SESSION, place->session, &foreign);
        ret->heard.mode = place->mode;
        for (size_t i = 0; i < place->n_publishers; i++) {
                const Publisher *publisher = place->publishers + i;
                const uint32_t handle = place_handle(run, batch, KIND_PARTICIPANT,
                                                     publisher->number, &publisher->id);

                if (handle != 0)
                        heard_add(&ret->heard, handle, world_streams(publisher));
                else
                        is_whole = false;
        }
        return is_whole && ret->session != 0;
}
