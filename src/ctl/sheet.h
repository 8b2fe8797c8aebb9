/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A sheet about one thing: a head, then titles and values, a line each. On standard output. */

#include "ctl/screen.h"

/* A dot in the colour of the state, and what this is about. */
void sheet_head(const Screen *screen, Colour colour, const char *text);

/* "       Title: value"; below the one before without a title; no line for a NULL value. */
void sheet_line(const char *title, const char *value);

/* The like, and the value is freed. */
void sheet_taken(const char *title, char *value);

/* The like, and what does not fit the screen is cut off, unless @full. */
void sheet_cut(const Screen *screen, bool full, const char *title, char *value);

/* The like for a list: what does not fit goes on, after a comma, in lines of its own. */
void sheet_folded(const Screen *screen, const char *title, char *value);

void sheet_coloured(const Screen *screen, const char *title, const char *value, Colour colour);
