/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/machine.h"

#include <stddef.h>
#include <systemd/sd-id128.h>

const char *machine_id(char buffer[static MACHINE_ID_SIZE]) {
        static const sd_id128_t ours =
                SD_ID128_MAKE(d2, 40, 9c, 3c, cf, 45, 46, f6, b8, 9a, 2c, 71, a4, af, 50, 73);
        sd_id128_t id;

        if (sd_id128_get_machine_app_specific(ours, &id) < 0)
                return NULL;
        return sd_id128_to_string(id, buffer);
}
