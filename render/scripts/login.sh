#!/bin/sh
# Makes git log in to the host of REPOSITORY, and to no other that a redirect leads to.
# Env: REPOSITORY, CREDENTIALS (a folder with username and password for https, or identity and known_hosts for ssh).
set -eu

needs() { # KEY...
    for key in "$@"; do
        if [ ! -s "$CREDENTIALS/$key" ]; then
            echo "the Secret with the credentials for $REPOSITORY has no $key" >&2
            exit 1
        fi
    done
}

case "$REPOSITORY" in
ssh://*)
    needs identity known_hosts
    server="-o StrictHostKeyChecking=yes -o UserKnownHostsFile=$CREDENTIALS/known_hosts"
    export GIT_SSH_COMMAND="ssh -F /dev/null -o BatchMode=yes -o IdentitiesOnly=yes -i $CREDENTIALS/identity $server"
    ;;
*)
    needs username password
    host=${REPOSITORY#*://}
    export GIT_CONFIG_COUNT=1
    export GIT_CONFIG_KEY_0="credential.${REPOSITORY%%://*}://${host%%/*}.helper"
    export GIT_CONFIG_VALUE_0='!login() { printf "username=%s\npassword=%s\n" "$(cat "$CREDENTIALS/username")" "$(cat "$CREDENTIALS/password")"; }; login'
    ;;
esac

