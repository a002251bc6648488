#!/bin/sh
# Fetches the trained model from Polyaxon. Env: ARTIFACT_URL, ARTIFACT (the file to write), RETRY_SECONDS.
set -eu
umask 022

tries=12
until wget -q -O "$ARTIFACT" "$ARTIFACT_URL" 2>"$ARTIFACT.said"; do
    status=$?
    cat "$ARTIFACT.said" >&2
    if [ "$status" -eq 6 ] || grep -q ' 40[134]' "$ARTIFACT.said"; then # 5 and 6 are GNU's, which says nothing
        echo "cannot fetch $ARTIFACT_URL: does the token open it, and has the experiment that file?" >&2
        exit 1
    fi
    if [ "$status" -eq 5 ] || grep -qi 'certificate verif' "$ARTIFACT.said"; then
        echo "cannot fetch $ARTIFACT_URL: Polyaxon's certificate has expired, is for another host, or is of nobody whom the image of workflows.images.fetch knows" >&2
        exit 1
    fi
    tries=$((tries - 1))
    if [ "$tries" -eq 0 ]; then
        echo "cannot fetch $ARTIFACT_URL" >&2
        exit 75 # EX_TEMPFAIL: Argo tries the pod again
    fi
    sleep "$RETRY_SECONDS" # a busy Polyaxon answers 500, or not at all
done
rm -f "$ARTIFACT.said"
