package schema

import (
	"context"
	"strings"
	"testing"
	"testing/fstest"
)

// TestPrintable: what people wrote is quoted, and no terminal obeys it.
func TestPrintable(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"plain é 字": "plain é 字", "a\nb\tc\u00a0d": "a b c d", "\x1b[2J\x07": "\uFFFD[2J\uFFFD", "a\u202eb\u200b": "a\uFFFDb\uFFFD", "\xff": "\uFFFD",
	} {
		if got := Printable(text); got != want {
			t.Errorf("%q becomes %q, want %q", text, got, want)
		}
	}
	files := fstest.MapFS{"models.cue": {Data: []byte("package models\nmodels: mnist: train: timeout: \"\x1b]0;hi\x07\"\n")}}
	c, err := Load(context.Background(), testTree{files})
	if err != nil {
		t.Fatal(err)
	}
	quoted := false
	for _, f := range c.Findings {
		quoted = quoted || strings.Contains(f.Message, "]0;hi")
		if Printable(f.String()) != f.String() {
			t.Errorf("%q is told", f)
		}
	}
	if !quoted {
		t.Errorf("nothing quotes it: %v", c.Findings)
	}
}

// TestPosition: a line of a log begins with a place, and a file may be called anything.
func TestPosition(t *testing.T) {
	t.Parallel()
	for want, p := range map[string]Position{
		"models.cue": {File: "models.cue"}, "models.cue:3": {"models.cue", 3, 0}, "models.cue:3:7": {"models.cue", 3, 7},
		"./::error::.cue:1:1": {"::error::.cue", 1, 1}, "./##vso[x].cue": {File: "##vso[x].cue"},
	} {
		if got := p.String(); got != want {
			t.Errorf("%#v is %q, want %q", p, got, want)
		}
	}
}
