#!/bin/sh
# Turns a title into the part of a URL.

slugify() {
  printf '%s' "$1" |
    tr '[:upper:]' '[:lower:]' |
    tr -c '[:alnum:]' '-' |
    sed -e 's/^-//' -e 's/-$//'
}

# Only when called by itself, not when another script reads it with `.`.
case "${0##*/}" in
  slug.sh) slugify "${1:-}"; echo ;;
esac
