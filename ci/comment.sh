# One comment on a change, written again by each run. Read by github.sh and gitlab.sh.
# shellcheck shell=sh

# begin FORGE HEADER readies what call needs. The header, which holds the token, is in a file that nobody else may read: what stands
# in a program's arguments, every process of the machine can.
begin() {
	forge=$1
	private=$(mktemp -d)
	trap 'rm -rf "$private"' EXIT
	trap 'exit 129' HUP
	trap 'exit 130' INT
	trap 'exit 143' TERM
	(umask 077 && printf '%s\n' "$2" >"$private/header")
}

# call METHOD URL [FILE] asks the forge, sends it the JSON in FILE, and leaves the reply in $private/reply. It returns 0 where the
# forge did as it was asked, 2 where the token may not do that, 1 for all else.
call() {
	status=$(curl --silent --show-error --max-time 60 --request "$1" --header "@$private/header" \
		--header "Content-Type: application/json" ${3:+--data-binary "@$3"} \
		--output "$private/reply" --write-out '%{http_code}' "$2") || return 1
	case $status in
	2??) return 0 ;;
	esac
	said=$(jq -r '.message // .error // empty | tostring' "$private/reply" 2>/dev/null | tr -d '\000-\037' | cut -c -200) || said=
	echo "trefoil: $forge answered $status to $1 $2${said:+: $said}" >&2
	test "$status" -ne 403 || return 2
	return 1
}

# earlier COMMENTS ACCOUNT prints the number of the comment that this account wrote in an earlier run, or nothing. A comment of
# anybody else is not ours to change, whatever it begins with.
earlier() {
	page=1
	while :; do
		call GET "$1?per_page=100&page=$page" || return
		count=$(jq -e 'arrays | length' "$private/reply") || return 1
		test "$count" -gt 0 || return 0
		number=$(jq -r --arg account "$2" 'map(select(((.user // .author).id | tostring) == $account
			and ((.body // "") | startswith("<!-- trefoil-plan -->"))))[0].id // empty' "$private/reply") || return 1
		if test -n "$number"; then
			echo "$number"
			return 0
		fi
		page=$((page + 1))
	done
}

# write FILE METHOD COMMENTS COMMENT ACCOUNT makes FILE the text of this account's comment: of the earlier one, which COMMENT/number
# names and METHOD changes, else of a new one among COMMENTS.
write() {
	jq -n --rawfile body "$1" '{body: $body}' >"$private/comment" || return 1
	number=$(earlier "$3" "$5") || return
	if test -n "$number"; then
		call "$2" "$4/$number" "$private/comment"
	else
		call POST "$3" "$private/comment"
	fi
}

# ends CODE OUTCOME ends the job as the plan ended, and as an error where the comment could not be written. A token that may not
# write is that of a fork's pull request: whose change it is can't help that.
ends() {
	case $2 in
	0) ;;
	2) echo "trefoil: this token may not comment: that of a change from a fork never may, docs/pull-requests.md says what others need;" \
			"the plan is above" ;;
	*)
		echo "trefoil: the plan could not be written as a comment of $forge" >&2
		test "$1" -ne 0 || exit 1
		;;
	esac
	exit "$1"
}
