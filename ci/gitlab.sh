#!/bin/sh
# The job of a merge request at GitLab: one note that each run updates, and the plan in trefoil-plan/ for artifacts.
#
# Variables besides those of plan.sh, and those that GitLab CI sets:
#   PLAN_TOKEN    an access token with the scope api, because a job's own may not write notes; without it there is no note
#   PLAN_COMMENT  false for no note
set -eu

here=$(dirname "$0")
# shellcheck source=ci/comment.sh
. "$here/comment.sh"

token=${PLAN_TOKEN:-}
begin GitLab "PRIVATE-TOKEN: $token"
unset PLAN_TOKEN # nothing but curl needs it, and that reads the header

# The target's commit is known where GitLab merged the two to test them.
test -n "${PLAN_BASE:-}" || PLAN_BASE=${CI_MERGE_REQUEST_TARGET_BRANCH_SHA:-${CI_MERGE_REQUEST_DIFF_BASE_SHA:-}}
export PLAN_BASE

# Not before the plan is made does anything appear among the files that it is made of.
folder=$private/plan
mkdir "$folder"
code=0
"$here/plan.sh" "$folder" || code=$?
rm -rf "${CI_PROJECT_DIR:-.}/trefoil-plan"
cp -R "$folder" "${CI_PROJECT_DIR:-.}/trefoil-plan"

if test ! -e "$folder/plan.md" || test -z "${CI_MERGE_REQUEST_IID:-}" || test "${PLAN_COMMENT:-true}" != true; then
	exit "$code"
fi
if test -z "$token"; then
	echo "trefoil: there is no PLAN_TOKEN, so no note is written; the plan is above"
	exit "$code"
fi
comment() {
	call GET "$CI_API_V4_URL/user" || return
	account=$(jq -er .id "$private/reply") || return 1
	notes=$CI_API_V4_URL/projects/$CI_PROJECT_ID/merge_requests/$CI_MERGE_REQUEST_IID/notes
	write "$folder/plan.md" PUT "$notes" "$notes" "$account"
}
wrote=0
comment || wrote=$?
ends "$code" "$wrote"
