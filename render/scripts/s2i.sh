#!/bin/sh
# Writes a Dockerfile that does what that of `s2i build --as-dockerfile` does, for a builder image with its scripts in /s2i/bin and
# root as the user that assembles, as Seldon's have.
# Env: CONTEXT (the source), BUILDER_IMAGE, THEN (a Dockerfile of the source that goes on from it, or empty), DOCKERFILE (the file
# to write).
set -eu
umask 022

script() { # NAME: where the image has the source's own script, else the builder's
    if [ -f "$CONTEXT/.s2i/bin/$1" ]; then
        chmod +x "$CONTEXT/.s2i/bin/$1"
        echo "/tmp/scripts/$1"
    else
        echo "/s2i/bin/$1"
    fi
}

environment() { # KEY=VALUE lines as ENV instructions with every value taken literally; other lines are left out, as s2i does
    if [ -f "$CONTEXT/.s2i/environment" ]; then
        tr -d '\r' <"$CONTEXT/.s2i/environment" | sed -n \
            -e 's/[\\"$]/\\&/g' \
            -e 's/^[[:space:]]*\([A-Za-z_][A-Za-z0-9_.]*\)[[:space:]]*=[[:space:]]*\(.*[^[:space:]]\)\{0,1\}[[:space:]]*$/ENV \1="\2"/p'
    fi
}

if [ -n "$THEN" ] && [ ! -f "$CONTEXT/$THEN" ]; then
    echo "no Dockerfile '$THEN' in the serving source" >&2
    exit 1
fi
assemble=$(script assemble)
run=$(script run)
# buildah asks this file first. s2i knows of such files .s2iignore alone, which does not keep it from the scripts.
ignored=$(cat "$CONTEXT/.s2iignore" 2>/dev/null || true)
printf '%s\n.containerignore\n!.s2i/bin/assemble\n!.s2i/bin/run\n' "$ignored" >"$CONTEXT/.containerignore"
{
    echo "FROM $BUILDER_IMAGE AS s2i"
    environment
    echo "USER 0"
    if [ "$assemble$run" != /s2i/bin/assemble/s2i/bin/run ]; then
        echo "COPY .s2i/bin /tmp/scripts" # a script may move all of /tmp/src away
    fi
    echo "COPY . /tmp/src"
    echo "RUN SOURCE_DATE_EPOCH=315532800 $assemble" # 1980, the first time that wheels know: pip compiles the same bytes each time
    echo "CMD $run"
    if [ -n "$THEN" ]; then
        cat "$CONTEXT/$THEN"
    fi
} >"$DOCKERFILE"
