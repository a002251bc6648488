#!/bin/sh
# Makes wget send Polyaxon's token. Env: TOKEN (the file that holds it).
if ! token=$(tr -d '\r\n' <"$TOKEN") || [ -z "$token" ]; then
    echo "the Secret for Polyaxon has no token" >&2
    exit 1
fi

# BusyBox's wget takes a header from its command line only, where nothing outside this container sees it, and follows every
# redirect with it: the token goes where Polyaxon, whose it is, sends it. Neither wget nor the script prints it.
wget() {
    command wget --header "Authorization: Token $token" "$@"
}

