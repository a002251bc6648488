#!/bin/sh
# Makes wget send Polyaxon's token. Env: TOKEN (the file that holds it), ARTIFACT_URL.
if ! token=$(tr -d '\r\n' <"$TOKEN") || [ -z "$token" ]; then
    echo "the Secret for Polyaxon has no token" >&2
    exit 1
fi

# The TLS that is part of BusyBox believes every certificate: whoever answered would be told the token. Alpine's wget is BusyBox's too, and
# has a program of Alpine's for TLS, which does not.
case $ARTIFACT_URL in
https://*)
    if command wget --help 2>&1 | grep -q BusyBox &&
        { ! command -v ssl_client >/dev/null || ssl_client --help </dev/null 2>&1 | grep -q BusyBox; }; then
        echo "this image's wget believes every certificate, and is told no token: workflows.images.fetch has to name one whose wget does not, such as alpine:3.22" >&2
        exit 1
    fi
    ;;
esac

# BusyBox's wget takes a header from its command line only, where nothing outside this container sees it, and follows every
# redirect with it: the token goes where Polyaxon, whose it is, sends it. Neither wget nor the script prints it.
wget() {
    command wget --header "Authorization: Token $token" "$@"
}

