# What `install` and `uninstall` share. To be sourced after $me is set.
# shellcheck shell=sh disable=SC2034,SC2154

prefix=/usr/local
home=/var/lib/grove
destdir=${DESTDIR:-}
is_dry=

# fail MESSAGE [WHAT TO DO]
fail() {
    printf '%s: %s\n' "$me" "$1" >&2
    [ $# -lt 2 ] || printf 'hint: %s\n' "$2" >&2
    exit 1
}

has() {
    command -v "$1" >/dev/null 2>&1
}

# act WORDS... : says what is done, and does it unless this is a dry run
act() {
    printf '%s\n' "$*"
    [ -n "$is_dry" ] || "$@"
}

# Whether the host itself is changed, and not a directory that becomes a package.
is_host() {
    [ -z "$destdir" ]
}

is_systemd_running() {
    is_host && [ -d /run/systemd/system ]
}

need_root() {
    if is_host && [ -z "$is_dry" ] && [ "$(id -u)" -ne 0 ]; then
        fail "root is needed" "Run it with sudo, into another directory with DESTDIR, or with --dry-run."
    fi
}

# check_prefix DIRECTORY
check_prefix() {
    case $1 in
        / | *[!A-Za-z0-9/._-]* | */../* | */..) fail "not a prefix: $1" "Name an absolute directory." ;;
        /*) ;;
        *) fail "not a prefix: $1" "Name an absolute directory." ;;
    esac
}
