# Reads `go test -v` and prints a line for each fault of docs/faults.md: how many tests tried it, and what came of it. It fails where one
# failed, was skipped or has no test.
BEGIN {
	while ((getline line < "docs/faults.md") > 0)
		if (line ~ /^\| [0-9]+ \|/) {
			split(line, cell, " *\\| *")
			order[++rows] = cell[2] + 0
			title[cell[2] + 0] = cell[3]
		}
}
/^--- [A-Z]+: TestFault[0-9]+/ {
	n = substr($3, length("TestFault") + 1) + 0
	tests[n]++
	seconds[n] += substr($4, 2) + 0
	if ($2 != "PASS:") bad[n] = bad[n] " " $3
}
/contention_test.go.*people: / { sub(/^.*people: /, "people: "); contention = $0 }
/^--- [A-Z]+: TestContention/ { contended = $2 }
/^(FAIL|panic:|# )/ { broken = 1 }
/^ +[a-z_]+_test.go:[0-9]+: / && !/people: / { said = said $0 "\n" }
END {
	for (i = 1; i <= rows; i++) {
		n = order[i]
		word = n in bad ? "FAILED" : n in tests ? "ok" : "NO TEST"
		if (word != "ok") broken = 1
		printf "%-8s %3d  %-72s %2d tests, %5.1f s%s\n", word, n, title[n], tests[n], seconds[n], bad[n]
	}
	printf "%-8s      two daemons and five people push to one branch for a minute\n", contended == "PASS:" ? "ok" : "FAILED"
	if (contention) print "              " contention
	if (contended != "PASS:") broken = 1
	if (broken) printf "\n%s", said
	exit broken
}
