# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# Copies of the source tree, so that what is built there leaves this one as it is. To be sourced.

# Copies the tree in the current folder to a folder: what git would commit here, or, where this is
# no clone, everything that no build has made. Times are kept, so that a second copy rebuilds
# little.
tree_copy() {
        local to=$1 list

        mkdir -p "$to"
        # root may build in somebody else's clone, which git by itself declines to look at
        if list=$(git -c safe.directory='*' ls-files -co --exclude-standard 2>/dev/null) &&
                [[ $list ]]; then
                git -c safe.directory='*' ls-files -zco --exclude-standard |
                        tree_existing | tar --null -T - -cf -
        else
                tar --exclude=./_build --exclude=./build --exclude=./.git \
                        --exclude=./config.status --exclude=./Makefile --exclude='*.o' \
                        --exclude='*.a' -cf - .
        fi | tar -C "$to" -xf -
}

# Of the names read, ended by NUL, prints those that are still there.
tree_existing() {
        local name

        while IFS= read -r -d '' name; do
                if [[ -e $name || -L $name ]]; then
                        printf '%s\0' "$name"
                fi
        done
}
