# Functions that the scripts beside this file share. To be sourced; needs $root.
# shellcheck shell=sh

# fail MESSAGE [WHAT TO DO]
fail() {
    printf 'error: %s\n' "$1" >&2
    [ $# -lt 2 ] || printf 'hint: %s\n' "$2" >&2
    exit 1
}

has() {
    command -v "$1" >/dev/null 2>&1
}

# need PROGRAM WHAT TO DO
need() {
    has "$1" || fail "$1 is missing" "$2"
}

need_tools() {
    need git "Install git 2.38 or newer (Debian: apt-get install git)."
    has cc || has clang || has gcc ||
        fail "a C compiler is missing" "Install one (Debian: apt-get install build-essential)."
    need cargo "Install Rust from https://rustup.rs."
    need node "Install Node.js 20 or newer from https://nodejs.org."
    need npm "Install npm; it comes with Node.js."
    major=$(node --version | sed 's/^v\([0-9]*\).*/\1/')
    [ "$major" -ge 20 ] ||
        fail "Node.js $(node --version) is too old" "Install Node.js 20 or newer from https://nodejs.org."
}

# Installs the web packages when they are absent or older than the lock file.
install_web() {
    lock=$root/web/package-lock.json
    mark=$root/web/node_modules/.package-lock.json
    if [ ! -e "$mark" ] || [ "$lock" -nt "$mark" ]; then
        echo "Installing web packages"
        (cd "$root/web" && npm ci --no-audit --no-fund --loglevel=error)
        # npm keeps the time of the file that it unpacks, which may be older than the lock file.
        touch "$mark"
    fi
}

# Builds the web interface when it is absent or older than one of its sources.
build_web() {
    index=$root/web/dist/index.html
    if [ -e "$index" ]; then
        newer=$(find "$root/web" -path "$root/web/node_modules" -prune -o \
            -path "$root/web/dist" -prune -o -path "$root/web/test-results" -prune -o \
            -type f -newer "$index" -print | head -n 1)
        [ -n "$newer" ] || return 0
    fi
    echo "Building the web interface"
    (cd "$root/web" && npm run --silent build)
}
