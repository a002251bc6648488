#!/bin/sh
# Builds the image from the serving source with buildah, pushes it and writes down its digest.
# Env: CONTEXT, DOCKERFILE, IMAGE, DIGEST (the file to write), STORAGE, RETRY_SECONDS.
set -eu
umask 022

buildah() {
    command buildah --root "$STORAGE/root" --runroot "$STORAGE/run" "$@"
}

# --timestamp 0: the same files make the same digest, so that a build that is repeated pushes nothing new.
buildah bud -q --timestamp 0 -f "$DOCKERFILE" -t "$IMAGE" "$CONTEXT"

tries=5
until buildah push -q --digestfile "$DIGEST" "$IMAGE"; do
    tries=$((tries - 1))
    if [ "$tries" -eq 0 ]; then
        exit 1
    fi
    sleep "$RETRY_SECONDS" # a registry that is down comes back, and what was built would be lost
done
test -s "$DIGEST"
