#!/bin/sh
# Fetches the trained model from Polyaxon and proves that it is the one that the release names.
# Env: ARTIFACT_URL, ARTIFACT_SHA256, ARTIFACT (the file to write), RETRY_SECONDS.
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

if ! echo "$ARTIFACT_SHA256  $ARTIFACT" | sha256sum -c >/dev/null; then
    echo "the artifact is not the one that the release names: its sha256 is $(sha256sum <"$ARTIFACT"), not $ARTIFACT_SHA256" >&2
    exit 1
fi
