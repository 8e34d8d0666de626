#!/bin/sh
# Runs every case of slugify; ends with 1 when one fails.
cd "$(dirname "$0")" || exit 1
. ./slug.sh

failed=0
check() {
    actual=$(slugify "$1")
    if [ "$actual" = "$2" ]; then
        printf 'ok    %s\n' "$1"
    else
        printf 'FAIL  %s: expected %s, got %s\n' "$1" "$2" "$actual"
        failed=1
    fi
}

check "Hello" "hello"
check "Hello World" "hello-world"
check "Hello, World" "hello-world"
check "Top 10" "top-10"
exit $failed
