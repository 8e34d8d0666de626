# slugify TEXT prints TEXT as a part of a URL: lower case, one dash between words.
slugify() {
    printf '%s' "$1" | tr '[:upper:]' '[:lower:]' | sed -e 's/[^a-z0-9]/-/g' -e 's/^-//' -e 's/-$//'
    printf '\n'
}
