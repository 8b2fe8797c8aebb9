/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/screen.h"

#include <langinfo.h>
#include <locale.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/text.h"

static size_t columns_of(int fd) {
        const char *given = getenv("COLUMNS");
        struct winsize size = { 0 };
        long n;

        if (!isatty(fd))
                return 0;

        n = given ? strtol(given, NULL, 10) : 0;
        if (n > 0 && n < 10000)
                return (size_t)n;
        if (ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
                return size.ws_col;
        return 80;
}

bool screen_is_terminal(void) {
        const char *term = getenv("TERM");

        return isatty(STDOUT_FILENO) && term && !streq(term, "dumb");
}

int screen_flag(const char *word) {
        static const char *const words[][2] = {
                { "no", "yes" }, { "0", "1" },    { "false", "true" },
                { "n", "y" },    { "off", "on" }, { "f", "t" },
        };

        for (size_t i = 0; i < ELEMENTSOF(words); i++)
                for (int flag = 0; flag < 2; flag++)
                        if (strcasecmp(word, words[i][flag]) == 0)
                                return flag;
        return -1;
}

/*
 * $SYSTEMD_COLORS goes before all: a flag, or how many; "auto-…" leaves the question open. Then
 * https://no-color.org: present and not empty means no colours.
 */
static bool colours_wanted(void) {
        const char *given = getenv("SYSTEMD_COLORS"), *no = getenv("NO_COLOR");

        if (given && screen_flag(given) >= 0)
                return screen_flag(given);
        if (given && (streq(given, "16") || streq(given, "256") || streq(given, "24bit")))
                return true;
        return !(no && no[0]) && screen_is_terminal();
}

Screen screen_init(void) {
        Screen screen = { .colours = colours_wanted() };

        setlocale(LC_ALL, "");
        screen.utf8 = streq(nl_langinfo(CODESET), "UTF-8");
        /* Tags are UTF-8 whatever the locale: their width has to be known all the same. */
        if (!screen.utf8)
                setlocale(LC_CTYPE, "C.UTF-8");

        screen.columns = columns_of(STDOUT_FILENO);
        screen.error_columns = columns_of(STDERR_FILENO);
        screen.progress = screen.error_columns > 0;
        return screen;
}

const char *screen_on(const Screen *screen, Colour colour) {
        static const char *const sequences[_COLOUR_MAX] = {
                [COLOUR_NONE] = "",         [COLOUR_GOOD] = "\033[32m",
                [COLOUR_WAIT] = "\033[33m", [COLOUR_BAD] = "\033[1;31m",
                [COLOUR_FAINT] = "\033[2m", [COLOUR_STRONG] = "\033[1m",
        };

        return screen->colours ? sequences[colour] : "";
}

const char *screen_off(const Screen *screen, Colour colour) {
        return screen->colours && colour != COLOUR_NONE ? "\033[0m" : "";
}

const char *screen_ellipsis(const Screen *screen) {
        return screen->utf8 ? "\xe2\x80\xa6" : "...";
}
