#!/bin/sh
# Builds the image from the serving source with buildah, pushes it and writes down its digest.
# Env: CONTEXT, DOCKERFILE, IMAGE, NOTES (about the image: KEY=VALUE, one a line), DIGEST (the file to write), STORAGE, RETRY_SECONDS;
# REGISTRY (the host of IMAGE) with REGISTRY_CA (a file) or REGISTRY_HTTP (where TLS is not asked for).

buildah() {
    command buildah --root "$LAYERS" --runroot "$STORAGE/run" "$@"
}

settings=$HOME/.config/containers # beside those of the image
if [ -n "${REGISTRY_HTTP:-}" ]; then
    mkdir -p "$settings/registries.conf.d"
    printf '[[registry]]\nlocation = "%s"\ninsecure = true\n' "$REGISTRY" >"$settings/registries.conf.d/trefoil.conf"
fi
if [ -n "${REGISTRY_CA:-}" ]; then
    mkdir -p "$settings/certs.d/$REGISTRY"
    cp "$REGISTRY_CA" "$settings/certs.d/$REGISTRY/ca.crt"
fi

set --
while IFS= read -r note; do
    set -- "$@" --label "$note" --annotation "$note"
done <<END
$NOTES
END

# Times are 0: the same files make the same digest, so that a build that is repeated pushes nothing new. Some versions refuse a build
# argument SOURCE_DATE_EPOCH beside this.
building buildah bud --timestamp 0 "$@" -f "$DOCKERFILE" -t "$IMAGE" "$CONTEXT"

patiently buildah push -q --digestfile "$DIGEST" "$IMAGE"
test -s "$DIGEST"
