/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Whoever asks for a password on this terminal when polkit wants one: pkttyagent(1), as with
 * systemctl(1). A desktop has an agent of its own, which goes first. It is started only when a call
 * was refused for want of a password, so that nothing else has to wait for it.
 */

#include "ctl/ctl.h"

/* Longer than convened has polkit wait for an answer. */
#define AGENT_PATIENCE_USEC (150 * USEC_PER_SEC)

/**
 * agent_repeat() - have the user asked for what a call was refused for
 * @refusal: what came of @call; nothing has been done for it
 *
 * Return: the call once more, to be sent with AGENT_PATIENCE_USEC, the caller's; NULL: it was
 * refused for something else, or there is nobody here to be asked.
 */
sd_bus_message *agent_repeat(Ctl *ctl, sd_bus_message *call, const sd_bus_error *refusal);

/* Nobody is asked any more. */
void agent_close(void);
