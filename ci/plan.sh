#!/bin/sh
# Checks the specs of a change and says what merging it does, in any CI: plan.sh FOLDER
#
# It prints what `trefoil validate` finds and what `trefoil plan --base` says, and leaves in FOLDER
#   findings.sarif  the findings, for tools that read SARIF
#   plan.json       the plan, for programs (docs/schemas/plan.json); not there where nothing could be planned
#   plan.md         the plan, or why there is none, as a comment on the change; its first line is a marker
# It ends as the plan does, or as validate does where the plan has nothing against the change.
#
# Variables:
#   TREFOIL               the program; trefoil
#   PLAN_BASE             revision that the change is to be merged into; without it nothing is planned
#   PLAN_DIRECTORY        folder of the specs; .
#   PLAN_FAIL_ON          words of the plan that need an approval in git, such as rerun,delete
#   PLAN_MAX_EXPERIMENTS  more experiments than so many need an approval in git
#   PLAN_FINDINGS         how findings are printed: text, or github for annotations
set -eu

folder=$1
program=${TREFOIL:-trefoil}
directory=${PLAN_DIRECTORY:-.}
base=${PLAN_BASE:-}

checked=0
"$program" validate --directory="$directory" --output="${PLAN_FINDINGS:-text}" || checked=$?
"$program" validate --directory="$directory" --output=sarif >"$folder/findings.sarif" 2>/dev/null || :
test -s "$folder/findings.sarif" || rm -f "$folder/findings.sarif"
if test -z "$base"; then
	echo "trefoil: no base to compare with, so nothing is planned"
	exit "$checked"
fi

# What is merged is the commit; what earlier steps of the job left beside it is not.
set -- plan --directory="$directory" --base="$base" --head=HEAD
test -z "${PLAN_FAIL_ON:-}" || set -- "$@" --fail-on="$PLAN_FAIL_ON"
test -z "${PLAN_MAX_EXPERIMENTS:-}" || set -- "$@" --max-experiments="$PLAN_MAX_EXPERIMENTS"

planned=0
"$program" "$@" >"$folder/plan.txt" 2>&1 || planned=$?
# A line that began with two colons would be a command to GitHub Actions.
sed 's/^/| /' "$folder/plan.txt"
"$program" "$@" --output=json >"$folder/plan.json" 2>/dev/null || :
if test -s "$folder/plan.json"; then
	"$program" "$@" --output=markdown >"$folder/plan.md" 2>/dev/null || :
else
	rm -f "$folder/plan.json"
	# Indented text is code: no byte of it is markup.
	{
		printf '<!-- trefoil-plan -->\n### Trefoil: no plan\n\n'
		head -n 100 "$folder/plan.txt" | tr -d '\000-\010\013-\037' | cut -c -500 | sed 's/^/    /'
	} >"$folder/plan.md"
fi
test "$planned" -ne 0 || planned=$checked
exit "$planned"
