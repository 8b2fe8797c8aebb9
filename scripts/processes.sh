# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# Every process that a run has started, however far it has gone: it carries the run's mark, a
# variable in its environment. To be sourced.

# Starts the script that calls this again, once, with the mark, as a script's own environment is
# fixed when it is started. Call as: processes_mark NAME "$0" "$@"
processes_mark() {
        local name=$1
        shift

        [[ ${!name-} == "$$" ]] || exec env "$name=$$" "$@"
}

# Prints the numbers of the processes that carry the mark of this run, without the run's own script
# and those of its subshells that this was called in.
processes_marked() {
        local name=$1 number=$BASHPID path own=' '
        local -a paths

        while [[ $number != "$$" ]]; do
                own+="$number "
                number=$(awk '$1 == "PPid:" { print $2 }' "/proc/$number/status")
        done
        own+="$$ "

        mapfile -t paths < <(exec env -u "$name" grep -lsxzF "$name=$$" /proc/[0-9]*/environ)
        for path in "${paths[@]}"; do
                number=${path//[!0-9]/}
                [[ $own == *" $number "* ]] || echo "$number"
        done
}

# Waits for the processes that carry the mark to be gone; fails when some are left after SEC
# seconds.
processes_await_none() {
        local name=$1 sec=$2
        local end=$((SECONDS + sec))

        while [[ $(processes_marked "$name") ]]; do
                ((SECONDS < end)) || return 1
                sleep 0.05
        done
}

# Ends the processes that carry the mark: asks them first, and makes them after a while.
processes_end() {
        local name=$1 signal
        local -a numbers

        for signal in TERM KILL; do
                mapfile -t numbers < <(processes_marked "$name")
                ((${#numbers[@]})) || return 0
                kill -s "$signal" "${numbers[@]}" 2>/dev/null
                processes_await_none "$name" 5 && return 0
        done
        return 1
}
