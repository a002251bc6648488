#!/bin/sh
# Goes before a script that builds and pushes. Env: IMAGE, STORAGE, RETRY_SECONDS.
set -eu
umask 022

# Where layers are made. With an fsGroup a folder passes its group on, which every folder of the image would then do too.
LAYERS=$STORAGE/layers
mkdir -p "$LAYERS"
chmod g-s "$LAYERS"
trap 'exit 143' TERM # whatever the tools say when somebody ends the pod, Argo may try it again

# What the tools say last when it was a registry, or the way to it, that failed, and not what they build.
gone='HTTP status: 5|status code 5|50[0234] (Internal|Bad|Service|Gateway)|429 Too Many|status(:| code) 429|too ?many ?requests'
gone="$gone|connection (refused|reset|timed out)|i/o timeout|handshake timeout|context deadline exceeded|unexpected EOF|: EOF\$"
gone="$gone|no such host|server misbehaving|name resolution|no route to host|network is unreachable"

# A base image may come from a registry that is down: then Argo tries the whole pod again, which it knows by the exit code
# (EX_TEMPFAIL). What the build says is shown as it says it. A tool's last lines repeat the RUN that failed, whose words prove nothing,
# and a tool may end with the exit code of that.
building() { # COMMAND...
    mkfifo "$STORAGE/output"
    tee "$STORAGE/said" <"$STORAGE/output" &
    shown=$!
    status=0
    "$@" >"$STORAGE/output" 2>&1 || status=$?
    wait "$shown"
    rm "$STORAGE/output"
    if [ "$status" -ne 0 ] && tail -n 2 "$STORAGE/said" | grep -viE 'step "run|process "' | grep -qiE "$gone"; then
        exit 75
    fi
    case $status in
    2 | 75 | 137 | 143) return 1 ;; # Argo tries those again: they are how its own program ends when somebody ends the pod
    *) return "$status" ;;
    esac
}

# A registry that is down comes back, and what was built would be lost: it is asked for three minutes before the pod is given up. A
# login that is refused stays refused, and no time gives a registry TLS, a repository, or an authority that is trusted.
patiently() { # COMMAND...
    tries=13
    until "$@" 2>"$STORAGE/said"; do
        cat "$STORAGE/said" >&2
        tail -n 3 "$STORAGE/said" | sed 's|[^ ]*[/.][^ ][^ ]*||g' >"$STORAGE/last" # an image or a host may be called denied
        stays 'unauthorized|denied|forbidden|authorization failed' \
            "the registry refuses: does the Secret of package.credentials open it for a push to $IMAGE?"
        stays 'server gave HTTP response to HTTPS client' \
            "the registry of $IMAGE has no TLS: package.registry: http: true goes there without"
        stays 'name unknown|(repository|project) .*(does not exist|not found|not known)' \
            "the registry has no repository for $IMAGE, and makes none: somebody has to"
        stays 'x509: certificate signed by unknown authority' \
            "the registry of $IMAGE has a certificate that is not trusted: package.registry: ca names the authority that signed it"
        stays 'x509: (certificate (is|relies|specifies)|cannot|unhandled|issuer)' \
            "the registry of $IMAGE has a certificate that no time makes good, such as one for another name than that of package.image, or for none"
        tries=$((tries - 1))
        if [ "$tries" -eq 0 ]; then
            echo "the registry of $IMAGE does not take it" >&2
            exit 75
        fi
        sleep "$RETRY_SECONDS"
    done
}

stays() { # PATTERN WHAT: ends where the last lines have it
    if grep -qiE "$1" "$STORAGE/last"; then
        echo "$2" >&2
        exit 1
    fi
}
