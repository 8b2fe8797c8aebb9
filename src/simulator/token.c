/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "simulator/token.h"

#include <errno.h>
#include <inttypes.h>

#include "simulator/base64.h"
#include "simulator/buffer.h"

#define HEADER          "{\"alg\":\"HS256\"}"
#define SIGNATURE_WORDS 3

static void add_claims(Buffer *claims, const char *account, const Participant *participant) {
        buffer_add_text(claims, "{\"a\":");
        buffer_add_json_text(claims, account);
        buffer_printf(claims, ",\"p\":\"%s\",\"v\":\"V%u\",\"exp\":%" PRIu64 "}",
                      participant->object.id, participant->device_api_version,
                      participant->object.expires_at / USEC_PER_SEC);
}

int token_make(const char *account, const Participant *participant, Random *random, char **ret) {
        CLEANUP(buffer_deinit) Buffer claims = { 0 };
        CLEANUP(buffer_deinit) Buffer token = { 0 };
        uint64_t signature[SIGNATURE_WORDS];

        add_claims(&claims, account, participant);
        if (claims.failed)
                return -ENOMEM;

        for (size_t i = 0; i < ELEMENTSOF(signature); i++)
                signature[i] = random_next(random);

        base64url_add(&token, HEADER, strlen(HEADER));
        buffer_add(&token, ".", 1);
        base64url_add(&token, claims.text, claims.n);
        buffer_add(&token, ".", 1);
        base64url_add(&token, signature, sizeof(signature));
        if (token.failed)
                return -ENOMEM;

        *ret = buffer_take(&token);
        return 0;
}
