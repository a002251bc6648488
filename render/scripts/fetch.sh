#!/bin/sh
# Fetches the trained model from Polyaxon. Env: ARTIFACT_URL, ARTIFACT (the file to write), RETRY_SECONDS.
set -eu
umask 022

tries=5
until wget -q -O "$ARTIFACT" "$ARTIFACT_URL"; do
    tries=$((tries - 1))
    if [ "$tries" -eq 0 ]; then
        echo "cannot fetch $ARTIFACT_URL" >&2
        exit 1
    fi
    sleep "$RETRY_SECONDS" # a busy Polyaxon answers 500, or not at all
done
