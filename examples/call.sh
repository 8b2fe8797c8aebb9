#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# A call for three, with nothing but bash and busctl (of systemd).
#
#     call.sh [TAG]       Enter ends the call
#
# Creates a session and three participants who hear each other, shows what becomes of them, and
# deletes them. convened may be restarted at any time meanwhile: what it has accepted it keeps, and
# paths stay valid.
set -euo pipefail

TAG=${1:-standup}
NAMES=(alice bob carol)
NAME=org.convened1
ROOT=/org/convened1

paths=()
declare -A labels=() shown=() # by path: what we call it, and what we have shown of it last

interface_of() {
        case $1 in
        */session/*) echo $NAME.Session ;;
        */participant/*) echo $NAME.Participant ;;
        *) echo $NAME.Manager ;;
        esac
}

# ask VERB PATH ARGUMENT...: what busctl prints. Fails with 2 when convened is not there, or left
# before it had replied; with 3 when there is no such object (any more).
ask() {
        local verb=$1 path=$2 said
        shift 2

        if said=$(busctl --user "$verb" $NAME "$path" "$(interface_of "$path")" "$@" 2>&1); then
                [[ ! $said ]] || echo "$said"
                return 0
        fi
        # busctl tells the text of an error, and not its name
        case $said in
        *'not provided by any'* | *'did not receive a reply'* | *disconnected*) return 2 ;;
        *'Unknown object'*) return 3 ;;
        esac
        echo "$said" >&2
        return 1
}

# Runs a command again for as long as convened is away: it has to bear being repeated.
patiently() {
        local status

        while true; do
                status=0
                "$@" || status=$?
                ((status == 2)) || return $status
                sleep 0.5
        done
}

# The last word of a line such as: o "/org/convened1/session/1"
unquoted() {
        local path=${1##* }
        echo "${path//\"/}"
}

# find_or_create KIND TAG [SESSION]: prints the path of what bears this tag.
#
# It looks before it creates. So nothing is created twice, whether a reply was lost because convened
# was restarted, or this script was: the tag tells what is ours.
find_or_create() {
        local kind=$1 tag=$2 session=${3:-} reply
        local -a filter=(1 Tag s "$tag") properties=(1 Tag s "$tag")

        if [[ $session ]]; then
                filter=(2 Tag s "$tag" Session o "$session")
                properties=(4 Tag s "$tag" Session o "$session" PublishPermissions as 1 AUDIO
                        SubscriptionMode s session) # hears everybody in it
        fi
        reply=$(ask call $ROOT "List${kind}s" 'a{sv}tu' "${filter[@]}" 0 1) || return
        # a(oa{sv})t 1 "/org/convened1/session/1" ...
        read -r _ count path _ <<<"$reply"
        if ((count == 0)); then
                path=$(ask call $ROOT "Create$kind" 'a{sv}' "${properties[@]}") || return
        fi
        unquoted "$path"
}

create() {
        local session path name

        session=$(patiently find_or_create Session "$TAG")
        paths=("$session")
        labels[$session]=$TAG
        for name in "${NAMES[@]}"; do
                path=$(patiently find_or_create Participant "$name" "$session")
                # GetToken, on the participant, gives what its phone or browser joins the call with.
                paths+=("$path")
                labels[$path]=$name
        done
}

# Gone already is as good as deleted.
delete() {
        local status=0

        ask call "$1" Delete 'a{sv}' 0 || status=$?
        ((status == 3)) || return $status
}

# Prints what there is to know about each object, when that has changed.
show() {
        local path line status reply

        for path in "${paths[@]}"; do
                status=0
                reply=$(ask get-property "$path" State InSync) || status=$?
                case $status:$reply in
                0:*'b true') line="$(unquoted "${reply%%$'\n'*}"), in sync" ;;
                0:*) line="$(unquoted "${reply%%$'\n'*}"), not yet in sync" ;;
                3:*) line=gone ;;
                *) continue ;;
                esac
                if [[ $line != "${shown[$path]:-}" ]]; then
                        shown[$path]=$line
                        echo "${labels[$path]}: $line"
                fi
        done
}

# A line of busctl says when to look: each is a signal, but the first one, which says that it has
# begun.
watch() {
        local line

        while read -r line; do
                case $line in
                *'"NameOwnerChanged"'*'",""]}}') echo "convened is away" ;;
                *'"NameOwnerChanged"'*) echo "convened is there" && show ;;
                *) show ;;
                esac
        done
}

create

exec {signals}< <(exec busctl --user --json=short monitor 2>&1 \
        --match="type='signal',sender='$NAME',path_namespace='$ROOT'" \
        --match="type='signal',sender='org.freedesktop.DBus',member='NameOwnerChanged',\
arg0='$NAME'")
monitor=$!
trap 'kill $monitor && wait' EXIT
watch <&"$signals" &

read -r || true

for path in "${paths[@]}"; do
        patiently delete "$path"
done
echo "cleaned up"
