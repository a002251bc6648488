#!/bin/sh
# Goes before a script that builds and pushes. Env: IMAGE, STORAGE, RETRY_SECONDS.

# A registry that is down comes back, and what was built would be lost: it is asked for three minutes, and then Argo tries the whole
# pod again, which it knows by the exit code (EX_TEMPFAIL). A login that is refused stays refused.
patiently() { # COMMAND...
    mkdir -p "$STORAGE"
    tries=13
    until "$@" 2>"$STORAGE/said"; do
        cat "$STORAGE/said" >&2
        if tail -n 3 "$STORAGE/said" | grep -qiE 'unauthorized|denied|forbidden|authorization failed'; then
            echo "the registry refuses: does the Secret of package.credentials open it for a push to $IMAGE?" >&2
            exit 1
        fi
        tries=$((tries - 1))
        if [ "$tries" -eq 0 ]; then
            echo "the registry of $IMAGE does not take it" >&2
            exit 75
        fi
        sleep "$RETRY_SECONDS"
    done
}
