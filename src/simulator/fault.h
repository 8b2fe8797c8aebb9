/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Faults: which requests meet one, and which. How it is brought about is the server's part. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "simulator/json.h"
#include "simulator/message.h"

typedef enum FaultKind {
        FAULT_STATUS,   /* this status instead */
        FAULT_REFUSE,   /* read, then closed */
        FAULT_RESET,    /* read, then reset */
        FAULT_HANG,     /* never answered */
        FAULT_REDIRECT, /* sent elsewhere */
        FAULT_DROP,     /* closed without an answer */
        FAULT_TRUNCATE, /* half an answer */
        FAULT_GARBAGE,  /* 200, and no JSON */
        FAULT_SLOW,     /* so many bytes a second */
        FAULT_HUGE,     /* so many bytes */
        FAULT_LATENCY,  /* later */
        FAULT_CHUNKED,  /* nothing wrong: the answer in chunks */
        FAULT_CLOSE,    /* nothing wrong: HTTP/1.0, which ends with the connection */
        _FAULT_KIND_MAX,
} FaultKind;

/* One rule. Counted references: an answer on its way needs it after the rules were replaced. */
typedef struct Fault {
        unsigned n_refs;
        FaultKind kind;
        char *method, *path; /* NULL: any */
        uint64_t after, count;
        bool limited, effect, timed;
        double probability;

        unsigned status;             /* status, redirect */
        char *body;                  /* status; NULL: what is usual for it */
        char *location;              /* redirect */
        JsonObject *headers;         /* status: an object of strings; NULL for none */
        char *retry_after;           /* status; NULL for none */
        uint64_t ms;                 /* latency */
        uint64_t bytes, bytes_per_s; /* huge, slow */

        uint64_t n_matched, n_met;
} Fault;

typedef struct Faults {
        Fault **rules;
        size_t n_rules;
} Faults;

Fault *fault_ref(Fault *fault);
Fault *fault_unref(Fault *fault);

DEFINE_CLEANUP(Fault, fault_unref);

/** fault_name() - the word for a kind, as a rule and the journal have it. */
const char *fault_name(FaultKind kind);

void faults_deinit(Faults *faults);

/**
 * faults_read() - replace all rules by those of a text
 * @text: {"rules":[RULE…]}
 *
 * Return: NULL, or what is wrong with it: static, and then the rules stay as they are.
 */
const char *faults_read(Faults *faults, const char *text, size_t n);

/**
 * faults_meet() - the fault that a request meets, counted
 * @path: below the account; ends in NUL
 *
 * The first rule that matches and applies. One that is still, or already, out of its turn lets the
 * next one have a look.
 *
 * Return: borrowed; NULL for none.
 */
Fault *faults_meet(Faults *faults, const char *method, const char *path, Random *random);

/** fault_shape() - change what is answered by it: the status, the body. The rest is on the wire. */
void fault_shape(const Fault *fault, Answer *answer);
