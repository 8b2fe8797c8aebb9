# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# Root file systems of a fresh Debian: this machine's own release, from this machine's own mirror.
# They are made once and kept in the cache folder; each run unpacks one anew, and removes what it
# unpacked. To be sourced, as root, by scripts that end on errors.

DEBIAN_ROOT_MAX_AGE_DAYS=30

debian_cache=${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/convened
# shellcheck source=/dev/null
debian_codename=$(. /etc/os-release && echo "$VERSION_CODENAME")
debian_prefix=$debian_cache/debian-$debian_codename-$(dpkg --print-architecture)

# Prints the mirror that apt has this release from.
debian_mirror() {
        local uri

        uri=$(apt-get indextargets --format "\$(RELEASE) \$(CODENAME) \$(COMPONENT) \$(REPO_URI)" \
                'Created-By: Packages' |
                awk -v codename="$debian_codename" \
                        '($1 == codename || $2 == codename) && $3 == "main" && !n++ { print $NF }')
        if [[ ! $uri ]]; then
                echo "apt's sources name no mirror of $debian_codename" >&2
                return 1
        fi
        # a list of mirrors: each line begins with one
        if [[ $uri == mirror+file:* ]]; then
                uri=${uri#mirror+file:}
                uri=$(awk '!/^#/ && NF { print $1; exit }' "${uri%/}")
        fi
        echo "$uri"
}

# Exports apt's proxy for what is not apt.
debian_export_proxy() {
        local http='' https=''

        eval "$(apt-config shell http Acquire::http::Proxy https Acquire::https::Proxy)"
        [[ ! $http || $http == DIRECT ]] || export http_proxy=$http
        [[ ! $https || $https == DIRECT ]] || export https_proxy=$https
}

# Lets apt in the root reach its mirrors as apt does here: sources, keys, proxy, certificates.
debian_configure_apt() {
        local root=$1 name

        rm -rf "$root/etc/apt/sources.list" "$root/etc/apt/sources.list.d"
        for name in sources.list sources.list.d preferences preferences.d keyrings mirrors \
                auth.conf auth.conf.d trusted.gpg trusted.gpg.d; do
                [[ ! -e /etc/apt/$name ]] ||
                        cp -aT --remove-destination "/etc/apt/$name" "$root/etc/apt/$name"
        done
        if [[ -d /usr/share/keyrings ]]; then
                cp -an /usr/share/keyrings "$root/usr/share/"
        fi
        apt-config dump | grep '^Acquire::' >"$root/etc/apt/apt.conf.d/00host"
        # Not the package ca-certificates: one that the command forgets to install shall be missed.
        if [[ -e /etc/ssl/certs/ca-certificates.crt ]]; then
                cp -L /etc/ssl/certs/ca-certificates.crt "$root/etc/apt/ca-certificates.crt"
                echo 'Acquire::https::CaInfo "/etc/apt/ca-certificates.crt";' \
                        >"$root/etc/apt/apt.conf.d/01host-certificates"
        fi
        for name in resolv.conf hosts; do
                cp -L --remove-destination "/etc/$name" "$root/etc/$name"
        done
}

# Process 1 of a namespace of its own runs this; its mounts and its processes end with it.
debian_enter() {
        local root=$1
        shift

        # A mount point, so that the command may have mounts of its own in its turn. Nothing of this
        # is seen outside: unshare has made all mounts private.
        mount --bind "$root" "$root"
        mount --rbind /dev "$root/dev"
        mount -t proc proc "$root/proc"
        # with the control groups, which a container in its turn wants
        mount --rbind /sys "$root/sys"
        mapfile -t proxies < <(env | grep -iE '^(https?|no)_proxy=')
        # Not by chroot: inside of one no namespace of users can be
        # made, and the container's services make some.
        cd "$root" || return
        pivot_root . .
        umount -l .
        cd / || return
        exec /usr/bin/env -i \
                PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
                HOME=/root LANG=C.UTF-8 "${proxies[@]}" "$@"
}

# Runs a command in a root, as the only thing in namespaces of its own.
debian_chroot() {
        # shellcheck disable=SC2016
        unshare --mount --pid --fork --kill-child --ipc --uts \
                bash -euc '. "$1"; shift; debian_enter "$@"' bash "${BASH_SOURCE[0]}" "$@"
}

# Packs a root into the cache under a name.
debian_keep() {
        local root=$1 name=$2

        rm -f "$root"/var/cache/apt/archives/*.deb
        tar -C "$root" --one-file-system -cf - . | gzip -1 >"$root.tar.gz"
        mv "$root.tar.gz" "$name"
}

debian_make_base() {
        local from work=$1

        from=$(debian_mirror)
        echo "making a fresh $debian_codename with debootstrap"
        if ! (debian_export_proxy &&
                debootstrap --variant=minbase "$debian_codename" "$work/base" "$from") \
                >"$work/debootstrap.log" 2>&1; then
                tail -n 20 "$work/debootstrap.log" "$work/base/debootstrap/debootstrap.log" >&2
                return 1
        fi
        debian_keep "$work/base" "$debian_prefix.tar.gz"
        rm -rf --one-file-system "$work/base"
}

# Adds packages to a fresh Debian, and keeps what comes of it under their names' checksum.
debian_make_with() {
        local work=$1 name=$2
        shift 2

        echo "installing $*"
        mkdir "$work/base"
        tar -C "$work/base" -xzf "$debian_prefix.tar.gz"
        debian_configure_apt "$work/base"
        # shellcheck disable=SC2016
        if ! debian_chroot "$work/base" bash -c 'export DEBIAN_FRONTEND=noninteractive
                        apt-get -qq update && apt-get -qq install -y --no-install-recommends "$@"' \
                bash "$@" >"$work/install.log" 2>&1; then
                tail -n 20 "$work/install.log" >&2
                return 1
        fi
        debian_keep "$work/base" "$name"
        rm -rf --one-file-system "$work/base"
}

# debian_unpack FOLDER [PACKAGE...]: a fresh Debian in FOLDER/root, with these packages. FOLDER is
# one that debian_work has made.
debian_unpack() {
        local work=$1 name=$debian_prefix.tar.gz lock
        shift

        exec {lock}>"$debian_cache/lock"
        flock "$lock"
        find "$debian_cache" -maxdepth 1 -name 'debian-*.tar.gz' \
                -mtime "+$DEBIAN_ROOT_MAX_AGE_DAYS" -delete
        [[ -e $name ]] || debian_make_base "$work"
        if (($#)); then
                name=$debian_prefix-$(cksum <<<"$*" | tr -d ' ').tar.gz
                [[ -e $name ]] || debian_make_with "$work" "$name" "$@"
        fi
        exec {lock}>&-

        mkdir "$work/root"
        tar -C "$work/root" -xzf "$name"
}

# Prints a new folder for one run; the caller removes it at its end.
debian_work() {
        mkdir -p "$debian_cache"
        # what runs that were killed have left
        find "$debian_cache" -maxdepth 1 -name 'run.*' -mmin +180 \
                -exec rm -rf --one-file-system {} +
        mktemp -d "$debian_cache/run.XXXXXX"
}
