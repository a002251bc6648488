#!/bin/sh
# The job of a pull request at GitHub: annotations, one comment that each run updates, the summary and the outputs of the job.
#
# Variables besides those of plan.sh, and those that GitHub Actions sets:
#   PLAN_TOKEN    the token that comments
#   PLAN_COMMENT  false for no comment
set -eu

here=$(dirname "$0")
# shellcheck source=ci/comment.sh
. "$here/comment.sh"

begin GitHub "Authorization: Bearer ${PLAN_TOKEN:-}"
unset PLAN_TOKEN # nothing but curl needs it, and that reads the header

# A pull request is compared with the branch as it was when GitHub merged the two to test them. The event's own base may be older.
pull=$(jq -r '.pull_request.number // empty' "$GITHUB_EVENT_PATH")
if test -z "${PLAN_BASE:-}" && test -n "$pull"; then
	PLAN_BASE=origin/${GITHUB_BASE_REF:-}
	git rev-parse --quiet --verify "$PLAN_BASE^{commit}" >/dev/null || PLAN_BASE=$(jq -r .pull_request.base.sha "$GITHUB_EVENT_PATH")
fi
export PLAN_BASE PLAN_FINDINGS=github
if test "${GITHUB_EVENT_NAME:-}" = pull_request_target; then
	echo "::warning title=Trefoil::Run this on: pull_request. A job of pull_request_target has a token that can write: where it checks out" \
		"the change, those are a stranger's files; where it does not, the branch is planned against itself."
fi

folder=$(mktemp -d "${RUNNER_TEMP:-${TMPDIR:-/tmp}}/trefoil.XXXXXX")
code=0
"$here/plan.sh" "$folder" || code=$?

# output NAME VALUE: what ends the value can't be foretold, so no value can end itself and go on as another output.
output() {
	end=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
	printf '%s<<%s\n%s\n%s\n' "$1" "$end" "$2" "$end" >>"$GITHUB_OUTPUT"
}
test ! -e "$folder/findings.sarif" || output sarif "$folder/findings.sarif"
if test -e "$folder/plan.json"; then
	ask() { jq -r "$1" "$folder/plan.json"; }
	output changed "$(ask '[.models[] | select(.action != "later")] + .findings | length > 0')"
	output rerun "$(ask '[.models[] | select(.experiments > 0 or any(.steps[]; .action == "search")).model] | join(" ")')"
	output experiments "$(ask .summary.experiments)"
	output summary "$(ask .summary.text)"
fi
test -e "$folder/plan.md" || exit "$code"
cat "$folder/plan.md" >>"$GITHUB_STEP_SUMMARY"

if test -z "$pull" || test "${PLAN_COMMENT:-true}" != true; then
	exit "$code"
fi
# The REST API does not tell the token of a job whose it is.
comment() {
	echo '{"query": "{ viewer { databaseId } }"}' >"$private/who"
	call POST "$GITHUB_GRAPHQL_URL" "$private/who" || return
	account=$(jq -er .data.viewer.databaseId "$private/reply") || return 1
	comments=$GITHUB_API_URL/repos/$GITHUB_REPOSITORY/issues
	write "$folder/plan.md" PATCH "$comments/$pull/comments" "$comments/comments" "$account"
}
wrote=0
comment || wrote=$?
ends "$code" "$wrote"
