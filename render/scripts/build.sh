#!/bin/sh
# Builds the image from the serving source with the artifact beside it, pushes it and writes down its digest.
# Env: CONTEXT, ARTIFACT, ARTIFACT_PATH (where in CONTEXT), DOCKERFILE, IMAGE, DIGEST (the file to write), STORAGE.
set -eu
umask 022

mkdir -p "$CONTEXT/$(dirname "$ARTIFACT_PATH")"
cp "$ARTIFACT" "$CONTEXT/$ARTIFACT_PATH"

# --timestamp 0: the same files make the same digest, so that a build that is repeated pushes nothing new.
buildah --root "$STORAGE/root" --runroot "$STORAGE/run" bud -q --timestamp 0 -f "$DOCKERFILE" -t "$IMAGE" "$CONTEXT"
buildah --root "$STORAGE/root" --runroot "$STORAGE/run" push -q --digestfile "$DIGEST" "$IMAGE"
test -s "$DIGEST"
