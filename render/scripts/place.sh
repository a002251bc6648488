#!/bin/sh
# Puts the trained model into the serving source, where the builder will find it.
# Env: ARTIFACT, ARTIFACT_PATH (where in CONTEXT), CONTEXT, DOCKERFILE (in CONTEXT; may be empty).
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
chmod 644 "$place"
pattern=!$(printf '%s' "$ARTIFACT_PATH" | sed 's/[][*?\\]/\\&/g')
# People leave out data of their own, never the artifact: the last line that speaks of a file counts. Builders ask the files of one
# Dockerfile first.
for name in .containerignore .dockerignore .s2iignore "$DOCKERFILE.containerignore" "$DOCKERFILE.dockerignore"; do
    ignore=$CONTEXT/$name
    if [ -f "$ignore" ] && [ "$(tail -n 1 "$ignore")" != "$pattern" ]; then
        printf '\n%s\n' "$pattern" >>"$ignore"
    fi
done
