package review_test

import (
	"bytes"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/rogpeppe/go-internal/txtar"
)

// TestForeignBytes changes files of the head into what is hard to write as a case: other ends of lines, other encodings, no text at all.
func TestForeignBytes(t *testing.T) {
	t.Parallel()
	const picture = "\x89PNG\r\n\x1a\n\x00\x00\x00\x0dIHDR\xff\xfe\x00"
	for name, tc := range map[string]struct {
		file   string
		change func(text []byte) []byte
		want   string // among the lines
	}{
		"CRLF":                 {"models.cue", crlf, "Plan: no change in meaning, 4 unchanged"},
		"CRLF of the daemon's": {"selected/mnist.cue", crlf, "Plan: no change in meaning, 4 unchanged"},
		"CRLF and a change": {"models.cue", func(text []byte) []byte { return crlf(replaced("replicas: 3", "replicas: 5")(text)) },
			"  models.cue:17:61 serve.production.replicas: 3 -> 5"},
		"a byte order mark":    {"models.cue", begun("\xef\xbb\xbf"), "Plan: no change in meaning, 4 unchanged"},
		"Latin-1 in a comment": {"models.cue", begun("// gr\xfcn\n"), foreign("models.cue:1:6")},
		"Latin-1 in a value":   {"models.cue", replaced("risk@", "r\xefsk@"), foreign("models.cue:4:11")},
		"UTF-16":               {"models.cue", is("\xff\xfep\x00a\x00c\x00k\x00"), foreign("models.cue:1:1")},
		"a picture":            {"picture.cue", is(picture), foreign("picture.cue:1:1")},
		"a picture of code":    {"mnist/logo.png", is(picture), "  models.cue:23:17 train.source.path has other content: bc8f3c8 -> bd8d301"},
		"an empty file": {"more.cue", is(""),
			"invalid: more.cue:1:1: error TRF0004: the file belongs to no package (begin it with `package models`)"},
		"a file of nothing": {"more.cue", is("\x00\x00\x00"), "invalid: more.cue:1:1: error TRF0001: illegal character NUL"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, err := txtar.ParseFile("testdata/nothing.txtar")
			if err != nil {
				t.Fatal(err)
			}
			base, head := trees(t, c)
			var text []byte
			if f := head.MapFS[tc.file]; f != nil {
				text = f.Data
			}
			head.MapFS[tc.file] = &fstest.MapFile{Data: tc.change(bytes.Clone(text))}
			got := between(load(t, base), load(t, head)).String()
			if !strings.Contains("\n"+got, "\n"+tc.want+"\n") {
				t.Errorf("among these lines is no %q:\n%s", tc.want, got)
			}
		})
	}
}

func foreign(place string) string {
	return "invalid: " + place + ": error TRF0001: the file is not text in UTF-8 (save it as UTF-8)"
}

func is(text string) func([]byte) []byte { return func([]byte) []byte { return []byte(text) } }

func begun(with string) func([]byte) []byte {
	return func(text []byte) []byte { return append([]byte(with), text...) }
}

func replaced(old, now string) func([]byte) []byte {
	return func(text []byte) []byte { return bytes.ReplaceAll(text, []byte(old), []byte(now)) }
}

func crlf(text []byte) []byte { return bytes.ReplaceAll(text, []byte("\n"), []byte("\r\n")) }
