#!/bin/sh
# Proves that the trained model is the one that the release names. Env: ARTIFACT, ARTIFACT_SHA256.
set -eu

if ! echo "$ARTIFACT_SHA256  $ARTIFACT" | sha256sum -c >/dev/null 2>&1; then
    echo "the artifact is not the one that the release names: its sha256 is $(sha256sum <"$ARTIFACT" | cut -d' ' -f1), not $ARTIFACT_SHA256; select again, or raise train.revision to train again" >&2
    exit 1
fi
