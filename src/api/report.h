/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The end of an exchange, told as an answer. */

#include "api/exchange.h"
#include "api/line.h"

typedef struct Report {
        Answer answer; /* borrows from the others */
        Reading reading;
        Line message, request_id;
} Report;

/* Fills in a report; in place, since the answer points into it. */
void report_fill(Report *report, const Exchange *exchange, CURLcode code);

/* Overwrites what is secret. */
void report_deinit(Report *report);
