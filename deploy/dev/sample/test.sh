#!/bin/sh
# Tests of slug.sh: prints one line for each, ends with 1 when one fails.
cd "$(dirname "$0")" || exit 1
. ./slug.sh

failed=0
check() {
  actual=$(slugify "$1")
  if [ "$actual" = "$2" ]; then
    echo "ok   $1"
  else
    echo "FAIL $1: expected '$2', got '$actual'"
    failed=1
  fi
}

check "Hello" "hello"
check "Release 1 2" "release-1-2"
check "Hello, World!" "hello-world"
check "What's new?" "what-s-new"

if [ "$failed" -eq 0 ]; then echo "all tests passed"; else echo "some tests failed"; fi
exit "$failed"
