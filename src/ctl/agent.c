/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/agent.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ctl/memory.h"

/* The one agent of this process, which speaks for its parent; 0: none. */
static pid_t agent;

static _Noreturn void agent_exec(int ready) {
        char number[16];

        prctl(PR_SET_PDEATHSIG, SIGTERM);
        fcntl(ready, F_SETFD, 0);
        snprintf(number, sizeof(number), "%d", ready);
        execlp("pkttyagent", "pkttyagent", "--notify-fd", number, "--fallback", NULL);
        _exit(EXIT_FAILURE);
}

/* Where it is not installed, a desktop may still ask. */
static void agent_open(void) {
        int ends[2];
        char nothing;

        if (agent > 0 || pipe2(ends, O_CLOEXEC) < 0)
                return;
        fflush(stdout);
        agent = fork();
        if (agent == 0)
                agent_exec(ends[1]);
        close(ends[1]);
        /* It closes its end as soon as polkit knows it, or it ends. */
        while (agent > 0 && read(ends[0], &nothing, 1) < 0 && errno == EINTR)
                ;
        close(ends[0]);
}

sd_bus_message *agent_repeat(Ctl *ctl, sd_bus_message *call, const sd_bus_error *refusal) {
        sd_bus_message *again;

        if (!sd_bus_error_has_name(refusal, SD_BUS_ERROR_INTERACTIVE_AUTHORIZATION_REQUIRED) ||
            sd_bus_message_get_allow_interactive_authorization(call) > 0 || ctl->options.host ||
            !isatty(STDIN_FILENO))
                return NULL;

        again = ctl_message(ctl, sd_bus_message_get_path(call), sd_bus_message_get_interface(call),
                            sd_bus_message_get_member(call));
        must_bus(sd_bus_message_rewind(call, true));
        must_bus(sd_bus_message_copy(again, call, true));
        must_bus(sd_bus_message_set_allow_interactive_authorization(again, true));
        agent_open();
        return again;
}

void agent_close(void) {
        if (agent <= 0)
                return;
        kill(agent, SIGTERM);
        kill(agent, SIGCONT);
        while (waitpid(agent, NULL, 0) < 0 && errno == EINTR)
                ;
        agent = 0;
}
