// Package docs holds the pages that the program prints too, so that what `trefoil explain` says and what people read here is one text.
package docs

import "embed"

// findings has one page for each code of a finding.
//
//go:embed findings
var findings embed.FS

// Finding returns the page about a code of findings, such as TRF0101, in Markdown. Its first line is "# CODE: title"; below "## Wrong"
// and "## Right" stand an example each, in code blocks that say their language and, but for models.cue, their file.
func Finding(code string) (page string, found bool) {
	text, err := findings.ReadFile("findings/" + code + ".md")
	return string(text), err == nil
}
