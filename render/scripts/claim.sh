#!/bin/sh
# Copies the trained model from where Polyaxon keeps it.
# Env: CLAIM (its name), STORE (the folder in it that holds those of experiments), EXPERIMENT, ARTIFACT_PATH, ARTIFACT (the file to
# write).
set -eu
umask 022

if [ ! -d "$STORE/$EXPERIMENT" ]; then
    echo "the claim $CLAIM has no folder $EXPERIMENT where package.artifact.from.pvc.path says it is" >&2
    exit 1
fi
if [ ! -f "$STORE/$EXPERIMENT/outputs/$ARTIFACT_PATH" ]; then
    echo "the claim $CLAIM has no file $EXPERIMENT/outputs/$ARTIFACT_PATH" >&2
    exit 1
fi
cp "$STORE/$EXPERIMENT/outputs/$ARTIFACT_PATH" "$ARTIFACT"
