package main

import (
	"cmp"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/trefoil-gitops/trefoil/schema"
)

// mostShown is how many findings people are shown: who has more has made the same mistake many times.
const mostShown = 50

// print writes a line for each finding.
func (r verdict) print(w io.Writer) {
	first, rest := shown(r.findings)
	for _, f := range first {
		fmt.Fprintln(w, f)
	}
	if rest != "" {
		fmt.Fprintln(w, rest)
	}
}

// shown are the findings that people are shown and a line about the rest, which is empty where there is none. Where there is, errors
// come first.
func shown(all []schema.Finding) (first []schema.Finding, rest string) {
	if len(all) <= mostShown {
		return all, ""
	}
	all = slices.Clone(all)
	slices.SortStableFunc(all, func(a, b schema.Finding) int { return cmp.Compare(rank(a.Severity), rank(b.Severity)) })
	left := all[mostShown:]
	counts := map[string]int{}
	for _, f := range left {
		counts[f.Code]++
	}
	codes := slices.SortedFunc(maps.Keys(counts), func(a, b string) int {
		return cmp.Or(cmp.Compare(counts[b], counts[a]), cmp.Compare(a, b))
	})
	var each []string
	for _, code := range codes {
		each = append(each, fmt.Sprintf("%d %s", counts[code], code))
	}
	return all[:mostShown], fmt.Sprintf("and %d more: %s", len(left), strings.Join(each, ", "))
}

// rank is the place of a severity among all, the worst one first.
func rank(s schema.Severity) int {
	return slices.Index([]schema.Severity{schema.Error, schema.Warning, schema.Note}, s)
}

// source is what findings point into.
type source struct {
	files  fs.FS
	prefix string              // of the files in their repository
	lines  map[string][]string // of the files that were looked at
}

// path is where a file is in the repository.
func (s source) path(name string) string { return path.Join(s.prefix, name) }

// span is what a finding is about: a part of a line. Columns count characters from 1, and the end is the one after the last.
type span struct {
	line       string // its text
	start, end int
}

// span returns what stands at a place. There need not be any: then it is empty, at the beginning of a line without text.
func (s source) span(p schema.Position) span {
	lines, seen := s.lines[p.File]
	if !seen {
		if data, err := fs.ReadFile(s.files, p.File); err == nil { // what can't be read is found already
			lines = strings.Split(string(data), "\n")
		}
		s.lines[p.File] = lines
	}
	if p.Line < 1 || p.Line > len(lines) {
		return span{start: 1, end: 1}
	}
	line := strings.TrimSuffix(lines[p.Line-1], "\r")
	start := min(max(p.Column, 1), len(line)+1)
	for start <= len(line) && start > 1 && !utf8.RuneStart(line[start-1]) { // no place of CUE's is inside a character
		start--
	}
	end := min(schema.Extent(line, start), len(line)+1)
	column := func(byte int) int { return utf8.RuneCountInString(line[:byte-1]) + 1 }
	return span{line, column(start), column(end)}
}
