package schema

import "strings"

// Nearest returns the candidate that a misspelt name is likely meant to be: one that is a typo away, at most a third of the letters,
// or that the name is short for. Of several it is the closest one, then the first.
func Nearest(name string, candidates []string) (string, bool) {
	const short = 3
	for _, c := range candidates {
		if len(name) >= short && strings.HasPrefix(c, name) {
			return c, true
		}
	}
	best, least := "", len(name)/3+2
	for _, c := range candidates {
		if d := distance(name, c); d < least {
			best, least = c, d
		}
	}
	return best, best != ""
}

// distance is how many letters have to be put in, taken out, changed or swapped with the next one.
func distance(a, b string) int {
	before, last := make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := range len(a) {
		row := make([]int, len(b)+1)
		row[0] = i + 1
		for j := range len(b) {
			change := 1
			if a[i] == b[j] {
				change = 0
			}
			row[j+1] = min(last[j+1]+1, row[j]+1, last[j]+change)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
		before, last = last, row
	}
	return last[len(b)]
}
