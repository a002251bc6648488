#!/bin/sh
# Writes a folder of a repository at a commit to CONTEXT, without history, submodules, hooks or symbolic links.
# Env: REPOSITORY, COMMIT, FOLDER (empty for the root), GIT_DIR (to be made), CONTEXT,
# RETRY_SECONDS.
set -eu
umask 022
export GIT_TERMINAL_PROMPT=0

git init -q --bare --template= "$GIT_DIR"
git config core.hooksPath /dev/null
git config core.symlinks false # a link becomes a file with its target as text: nothing outside CONTEXT can be reached

# Not every server hands out a commit by its hash: those that do not are asked for everything.
fetch() {
    git fetch -q --depth 1 --no-tags -- "$REPOSITORY" "$COMMIT" ||
        git fetch -q --no-tags -- "$REPOSITORY" '+refs/*:refs/remotes/source/*'
}

tries=12
until fetch 2>"$GIT_DIR/said"; do
    cat "$GIT_DIR/said" >&2
    if grep -qiE 'authentication failed|could not read (user|pass)|permission denied|verification failed|certificate problem|no alternative certificate|not found|does not appear|error: 4(0[0134]|10)' "$GIT_DIR/said"; then
        exit 1
    fi
    tries=$((tries - 1))
    if [ "$tries" -eq 0 ]; then
        exit 75 # EX_TEMPFAIL: Argo tries the pod again
    fi
    sleep "$RETRY_SECONDS" # a server that is down comes back
done

if ! git cat-file -e "$COMMIT^{commit}"; then
    echo "the repository has no commit $COMMIT" >&2
    exit 1
fi
if ! git read-tree "$COMMIT:$FOLDER"; then
    echo "no folder '$FOLDER' in commit $COMMIT" >&2
    exit 1
fi
mkdir -p "$CONTEXT"
chmod g-s "$CONTEXT" # with an fsGroup it passes that on to its folders, which would make another image
cd "$CONTEXT"
git --work-tree=. checkout-index -q -a
