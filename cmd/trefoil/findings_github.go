package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/trefoil-gitops/trefoil/schema"
)

// github writes the findings as commands to GitHub Actions, which makes annotations of them.
func (r verdict) github(w io.Writer) {
	first, rest := shown(r.findings)
	titles := schema.Codes()
	for _, f := range first {
		place := "file=" + property(r.source.path(f.Pos.File))
		if f.Pos.Line > 0 {
			place += fmt.Sprintf(",line=%d,col=%d", f.Pos.Line, r.source.span(f.Pos).start)
		}
		level := map[schema.Severity]string{schema.Error: "error", schema.Warning: "warning", schema.Note: "notice"}[f.Severity]
		fmt.Fprintf(w, "::%s %s,title=%s::%s\n", level, place, property(f.Code+": "+titles[f.Code]), commandText(sentence(f)))
	}
	if rest != "" {
		fmt.Fprintln(w, rest)
	}
}

// sentence is what a finding says, without its code and place.
func sentence(f schema.Finding) string {
	if f.Hint == "" {
		return f.Message
	}
	return f.Message + " (" + f.Hint + ")"
}

// commandText is a text as a command of GitHub Actions takes it: a command ends with its line.
func commandText(text string) string {
	return strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A").Replace(text)
}

// property is a text as the value of a property of a command.
func property(text string) string {
	return strings.NewReplacer(":", "%3A", ",", "%2C").Replace(commandText(text))
}
