/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The names that both ends of the bus need. dbus/org.convened1.*.xml says what they mean. */

#define CONVENED_BUS_NAME "org.convened1"

#define CONVENED_PATH             "/org/convened1"
#define CONVENED_PATH_SESSION     "/org/convened1/session"
#define CONVENED_PATH_PARTICIPANT "/org/convened1/participant"

#define CONVENED_MANAGER     "org.convened1.Manager"
#define CONVENED_SESSION     "org.convened1.Session"
#define CONVENED_PARTICIPANT "org.convened1.Participant"

/* Of systemd: org.freedesktop.LogControl1(5). */
#define LOG_CONTROL_PATH "/org/freedesktop/LogControl1"
#define LOG_CONTROL      "org.freedesktop.LogControl1"

#define CONVENED_ERROR_PREFIX              "org.convened1.Error."
#define CONVENED_ERROR_NO_SUCH_SESSION     CONVENED_ERROR_PREFIX "NoSuchSession"
#define CONVENED_ERROR_NO_SUCH_PARTICIPANT CONVENED_ERROR_PREFIX "NoSuchParticipant"
#define CONVENED_ERROR_REJECTED            CONVENED_ERROR_PREFIX "Rejected"
#define CONVENED_ERROR_UNAUTHORIZED        CONVENED_ERROR_PREFIX "Unauthorized"
#define CONVENED_ERROR_FORBIDDEN           CONVENED_ERROR_PREFIX "Forbidden"
#define CONVENED_ERROR_CONFLICT            CONVENED_ERROR_PREFIX "Conflict"
#define CONVENED_ERROR_SESSION_FULL        CONVENED_ERROR_PREFIX "SessionFull"
#define CONVENED_ERROR_SUPERSEDED          CONVENED_ERROR_PREFIX "Superseded"
#define CONVENED_ERROR_UNAVAILABLE         CONVENED_ERROR_PREFIX "Unavailable"
#define CONVENED_ERROR_OUTCOME_UNKNOWN     CONVENED_ERROR_PREFIX "OutcomeUnknown"
#define CONVENED_ERROR_NO_TOKEN            CONVENED_ERROR_PREFIX "NoToken"
#define CONVENED_ERROR_STORAGE_FAILED      CONVENED_ERROR_PREFIX "StorageFailed"

/* Of the D-Bus project's, and missing from sd-bus. */
#define DBUS_ERROR_INVALID_FILE_CONTENT "org.freedesktop.DBus.Error.InvalidFileContent"
