/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit/full-disk.h"

int bench_last_reply(const Bench *bench) {
        return bench_reply(bench, bench->last_ticket);
}

bool bench_is_full(const Bench *bench) {
        return core_status(bench->core).disk_full;
}

bool bench_is_held(const Bench *bench) {
        return core_status(bench->core).disk_held;
}

void bench_room_again(Bench *bench) {
        bench->room = BENCH_ROOM;
        bench_pass(bench, BENCH_ROOM_SPAN);
        assert_false(bench_is_full(bench));
        assert_false(bench_is_held(bench));
}
