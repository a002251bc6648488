#!/bin/sh
# Builds the image from the serving source with the artifact beside it, pushes it and writes down its digest.
# Env: CONTEXT, ARTIFACT, ARTIFACT_PATH (where in CONTEXT), DOCKERFILE, IMAGE, DIGEST (the file to write), STORAGE.
set -eu
umask 022

place=$CONTEXT/$ARTIFACT_PATH
if [ -d "$place" ]; then # cp would put the artifact into it
    echo "the serving source has a folder where the artifact goes: $ARTIFACT_PATH" >&2
    exit 1
fi
if ! mkdir -p "$(dirname "$place")"; then
    echo "no folder can be made in the serving source for the artifact $ARTIFACT_PATH" >&2
    exit 1
fi
cp "$ARTIFACT" "$place"
for ignore in "$CONTEXT/.containerignore" "$CONTEXT/.dockerignore"; do # people leave out data of their own, never the artifact
    if [ -f "$ignore" ] && ! grep -qxF "!$ARTIFACT_PATH" "$ignore"; then
        printf '\n!%s\n' "$ARTIFACT_PATH" >>"$ignore"
    fi
done

# --timestamp 0: the same files make the same digest, so that a build that is repeated pushes nothing new.
buildah --root "$STORAGE/root" --runroot "$STORAGE/run" bud -q --timestamp 0 -f "$DOCKERFILE" -t "$IMAGE" "$CONTEXT"
buildah --root "$STORAGE/root" --runroot "$STORAGE/run" push -q --digestfile "$DIGEST" "$IMAGE"
test -s "$DIGEST"
