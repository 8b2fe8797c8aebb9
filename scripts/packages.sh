# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash disable=SC2034
#
# What we need from Debian, by its package names, and how it gets here. To be sourced.
#
# Each list stands alone: a package is named by every list whose programs use it, although another
# package may bring it along today.

packages_build=(
        autoconf automake gcc libc6-dev make pkg-config
        libbsd-dev libcurl4-openssl-dev libdbus-1-dev libjson-c-dev libmicrohttpd-dev libsqlite3-dev
        libsystemd-dev
)

# What ./demo starts or calls beside our own programs.
packages_demo=(curl dbus-daemon)

packages_check=(
        bash-completion build-essential clang clang-format-14 debhelper debootstrap dpkg-dev
        e2fsprogs iproute2 libcmocka-dev libpolkit-gobject-1-dev lintian mount nghttp2-proxy openssl
        python3 python3-jeepney python3-pytest scdoc shellcheck systemd systemd-container util-linux
        xz-utils zsh
        # the examples
        gjs libglib2.0-dev
        # the one with a window, and what its test sees and clicks it with
        adwaita-icon-theme at-spi2-core fonts-cantarell gir1.2-adw-1 gir1.2-gtk-4.0 librsvg2-common
        python3-gi xdotool xvfb
        "${packages_demo[@]}"
)

# Runs a command as root: directly, or through sudo.
as_root() {
        if ((EUID == 0)); then
                "$@"
        else
                sudo "$@"
        fi
}

# Prints those of the packages named that are not installed.
packages_missing() {
        local installed package

        installed=$(dpkg-query -W -f '${db:Status-Status} ${Package}\n' "$@" 2>/dev/null)
        for package in "$@"; do
                grep -qxF "installed $package" <<<"$installed" || echo "$package"
        done
}

# Installs those of the packages named that are missing; says so in a line, and nothing otherwise.
# No package goes away for it: where one would have to, apt-get says which, and it fails.
packages_install() {
        local -a missing apt_get
        local said

        if ! command -v apt-get >/dev/null; then
                echo "this is no Debian: going on with what is here; what is needed is in" \
                        "scripts/packages.sh" >&2
                return 0
        fi
        mapfile -t missing < <(packages_missing "$@")
        ((${#missing[@]})) || return 0

        if ((EUID != 0)) && ! command -v sudo >/dev/null; then
                echo "packages are missing, and there is no sudo; as root, run:" >&2
                echo "apt-get install ${missing[*]}" >&2
                return 1
        fi

        echo "installing ${missing[*]}"
        apt_get=(env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300
                -o Dpkg::Use-Pty=0)
        # One source that cannot be reached does not mean that the packages cannot.
        as_root "${apt_get[@]}" update ||
                echo "going on with the lists of packages that are here" >&2
        if ! said=$(as_root "${apt_get[@]}" install -y --no-install-recommends --no-remove \
                "${missing[@]}" 2>&1); then
                echo "$said" >&2
                return 1
        fi
}
