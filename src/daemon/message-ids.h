/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What the journal knows our messages by (MESSAGE_ID=). They are for ever: a catalog and other
 * people's scripts refer to them.
 */

#define MESSAGE_UNKNOWN_OUTCOME "01c8a24828e348bfb4488c367ef04d20"
#define MESSAGE_GONE            "1e741e2f171347e590cb9f7e447dbcfc"
#define MESSAGE_DRIFT           "084abc8b73e84d34a10dc7781924017e"
#define MESSAGE_REFUSED         "d3a5bf7aebc44952b25704afbdafde82"
#define MESSAGE_API_STATE       "e902a8fb608b40a7b56f6d8ea7f3a020"
#define MESSAGE_REDIRECTED      "f15d6501489444a7b901a6ac3d82d059"
#define MESSAGE_ATTEMPT_FAILED  "da7f7340723e4f1c83f9726e7156cb3d"
#define MESSAGE_CREATED         "6fd15ce4f1be4d3ea19a8b041ecbadcb"
#define MESSAGE_DELETED         "df36ce90830047248536f9c95933ca87"
#define MESSAGE_CLIENT_LEFT     "6ac805db8a3641208165daf15ea20833"
#define MESSAGE_ADOPTED         "54cfc577e9874f78a48dc98ea73ce492"
#define MESSAGE_COPY_READ       "37a6a1b75c7d4ac187321ad94b7650c4"

#define MESSAGE_ALLOWED        "c6c7dcc45f044b8498181fc3e4008fab"
#define MESSAGE_STARTED        "d47cd64932d34fbb8dc52663d8891614"
#define MESSAGE_STOPPING       "a51d299fc9d14e71926477311f973f76"
#define MESSAGE_NOT_STARTED    "7de4eb3be896463f97b02e8062067730"
#define MESSAGE_CONFIGURATION  "d344395896474bf2b6ad24fb944723ec"
#define MESSAGE_CREDENTIALS    "2a54abc82fe043f490086f3492b1017f"
#define MESSAGE_STORAGE_FAILED "b6004e77b086481295659ce853331178"
#define MESSAGE_BUS_LOST       "01a69c6ee45c4ea3886f8cb27b4bfdd8"
#define MESSAGE_BUS_STUCK      "1b95de2039df43da8a23dca500827d91"
#define MESSAGE_FAILED         "23c7b6daa9b94b8ba5ae6e3a58d3da6c"
#define MESSAGE_DISK_FULL      "466e06b2b15c4f5fad3b4b881758766b"
#define MESSAGE_DISK_HELD      "abe9a01a078f47629f9a44cc54b146d1"
#define MESSAGE_DISK_ROOM      "75f6163a2e7d4247b6680736b3f0fed9"
#define MESSAGE_COPY           "c10ac41fed49461d82e674c370d5e397"
#define MESSAGE_RELOADED       "ef0ef099494f4919b7f448da75f5b672"
#define MESSAGE_SLEEP          "1ba3f8c7b2854bc5aac9581d3aaf60d5"
#define MESSAGE_AWAKE          "a045f98f91bd446b9ec97e95d57ab545"
#define MESSAGE_NETWORK        "916fcdb0c2c64b5e9ee01722a1dc86a5"
#define MESSAGE_NOT_RELOADED   "fda318f6e1a646249d2f3fd17f8bca71"
