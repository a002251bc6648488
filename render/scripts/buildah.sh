#!/bin/sh
# Builds the image from the serving source with buildah, pushes it and writes down its digest.
# Env: CONTEXT, DOCKERFILE, IMAGE, NOTES (about the image: KEY=VALUE, one a line), DIGEST (the file to write), STORAGE, RETRY_SECONDS.
set -eu
umask 022

buildah() {
    command buildah --root "$STORAGE/root" --runroot "$STORAGE/run" "$@"
}

set --
while IFS= read -r note; do
    set -- "$@" --label "$note" --annotation "$note"
done <<END
$NOTES
END

# Times are 0: the same files make the same digest, so that a build that is repeated pushes nothing new. Programs that a Dockerfile
# runs can know it: ARG SOURCE_DATE_EPOCH.
buildah bud -q --timestamp 0 --build-arg SOURCE_DATE_EPOCH=0 "$@" -f "$DOCKERFILE" -t "$IMAGE" "$CONTEXT"

tries=5
until buildah push -q --digestfile "$DIGEST" "$IMAGE"; do
    tries=$((tries - 1))
    if [ "$tries" -eq 0 ]; then
        exit 1
    fi
    sleep "$RETRY_SECONDS" # a registry that is down comes back, and what was built would be lost
done
test -s "$DIGEST"
