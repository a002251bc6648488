#!/bin/sh
# Builds the image from the serving source with a BuildKit of its own, as another user than root, pushes it and writes down its
# digest.
# Env: CONTEXT, DOCKERFILE, IMAGE, NOTES (about the image: KEY=VALUE, one a line), DIGEST (the file to write), STORAGE, RETRY_SECONDS;
# REGISTRY (the host of IMAGE) with REGISTRY_CA (a file) or REGISTRY_HTTP (where TLS is not asked for).

run=$STORAGE/run # short: it holds a socket, whose name may have 107 characters
mkdir -p -m 700 "$run"
USER=$(id -un) # without it BuildKit takes itself for root
export USER XDG_RUNTIME_DIR="$run" BUILDKIT_HOST="unix://$run/buildkitd.sock"

output="type=image,name=$IMAGE,push=true,oci-mediatypes=true,rewrite-timestamp=true"
{
    if [ -n "${REGISTRY_HTTP:-}" ]; then
        printf '[registry."%s"]\nhttp = true\n' "$REGISTRY"
        output=$output,registry.insecure=true
    fi
    if [ -n "${REGISTRY_CA:-}" ]; then
        printf '[registry."%s"]\nhttp = false\nca = ["%s"]\n' "$REGISTRY" "$REGISTRY_CA"
    fi
} >"$run/buildkitd.toml"

rootlesskit --state-dir="$run/rootlesskit" buildkitd --rootless --oci-worker-no-process-sandbox --containerd-worker=false \
    --addr "$BUILDKIT_HOST" --root "$LAYERS" --config "$run/buildkitd.toml" >"$run/log" 2>&1 &
daemon=$!
trap 'kill "$daemon" 2>"$run/end" || true; wait "$daemon" || true' EXIT
tries=60
until buildctl debug workers >"$run/workers" 2>&1; do
    tries=$((tries - 1))
    if [ "$tries" -eq 0 ] || ! kill -0 "$daemon"; then
        echo "BuildKit does not start, which takes user namespaces, and a pod without the seccomp profile RuntimeDefault:" >&2
        tail -n 15 "$run/log" >&2
        exit 1
    fi
    sleep 1
done

# Times are 0: the same files make the same digest, so that a build that is repeated pushes nothing new.
build() {
    buildctl build --frontend dockerfile.v0 --progress plain --opt build-arg:SOURCE_DATE_EPOCH=0 --local "context=$CONTEXT" \
        --local "dockerfile=$(dirname "$DOCKERFILE")" --opt "filename=$(basename "$DOCKERFILE")" "$@"
}

set --
while IFS= read -r note; do
    set -- "$@" --opt "label:$note"
    output="$output,\"annotation.$(printf '%s' "$note" | sed 's/"/""/g')\"" # a list like a line of a CSV file
done <<END
$NOTES
END

building build "$@" # what is wrong with the source ends it here; what follows takes from the cache
patiently build "$@" --output "$output" --metadata-file "$run/built"
sed -n 's/.*"containerimage\.digest": *"\(sha256:[0-9a-f]*\)".*/\1/p' "$run/built" >"$DIGEST"
test -s "$DIGEST"
