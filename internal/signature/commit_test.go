package signature

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"unicode"
)

func TestSplit(t *testing.T) {
	const head = "tree 1\ncommitter A <a> 1 +0000\n"
	for _, c := range []struct{ commit, payload, signature, fails string }{
		{commit: head + "gpgsig a\n b\n \n c\n\nx\n", payload: head + "\nx\n", signature: "a\nb\n\nc\n"},
		{commit: "gpgsig a\n" + head + "encoding x\n\n", payload: head + "encoding x\n\n", signature: "a\n"},
		{commit: head + "mergetag b\n gpgsig c\ngpgsig a\n\n", payload: head + "mergetag b\n gpgsig c\n\n", signature: "a\n"},
		{commit: head + "gpgsig a\n\ngpgsig b\n", payload: head + "\ngpgsig b\n", signature: "a\n"},
		{commit: head + "\ngpgsig a\n", fails: "it is not signed"},
		{commit: head + "gpgsig a\ngpgsig b\n\n", fails: "it has more than one signature"},
		{commit: head + "gpgsig a\ngpgsig-sha256 b\n\n", fails: `it has a header "gpgsig-sha256", which is not understood`},
		{commit: "gpgsig a\n\n", fails: "it is no commit: it is a signature of nothing"},
		{commit: head, fails: "it is no commit: nothing ends its headers"},
	} {
		payload, signature, err := split([]byte(c.commit))
		failed := ""
		if err != nil {
			failed = err.Error()
		}
		if string(payload) != c.payload || signature != c.signature || failed != c.fails {
			t.Errorf("%q is %q, %q, %q", c.commit, payload, signature, failed)
		}
	}
}

// FuzzCommitSignature takes any bytes for a commit: what comes apart is what went together, and what is said of it is one line.
func FuzzCommitSignature(f *testing.F) {
	names, err := filepath.Glob("testdata/commits/*")
	if err != nil || len(names) == 0 {
		f.Fatal("no commits", err)
	}
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	trusted := everybody(f)
	f.Fuzz(func(t *testing.T, commit []byte) {
		payload, signature, err := split(commit)
		if err == nil {
			again, err := join(payload, signature)
			if err != nil {
				t.Fatalf("%q was taken apart and can't be put together: %v", commit, err)
			}
			if p, s, err := split(again); err != nil || !bytes.Equal(p, payload) || s != signature {
				t.Errorf("%q, %q is %q, %q: %v", payload, signature, p, s, err)
			}
		}
		if errors.Is(err, errUnsigned) && bytes.HasPrefix(commit, []byte("gpgsig ")) {
			t.Error("signed and unsigned")
		}
		who, err := trusted.Verify(commit, now)
		if err != nil {
			who = err.Error()
		}
		for _, r := range who {
			if !unicode.IsPrint(r) {
				t.Errorf("%q is not fit for a line", who)
			}
		}
	})
}

// FuzzAllowedSigners takes any bytes for a list.
func FuzzAllowedSigners(f *testing.F) {
	key := string(bytes.TrimSpace(read(f, "keys/ed25519.pub")))
	for _, line := range lines() {
		f.Add([]byte(line.text), key)
	}
	commit := read(f, "commits/ssh-stranger")
	f.Fuzz(func(t *testing.T, text []byte, key string) {
		trusted, err := NewTrusted(bytes.ReplaceAll(text, []byte("KEY"), []byte(key)), nil)
		if err != nil {
			for _, r := range err.Error() {
				if !unicode.IsPrint(r) {
					t.Errorf("%q is not fit for a line", err.Error())
				}
			}
			return
		}
		for _, s := range trusted.signers {
			if s.key == nil || s.principals == "" {
				t.Errorf("%q is a line without a key or a name", text)
			}
		}
		if who, err := trusted.Verify(commit, now); err == nil && !bytes.Contains(read(t, "keys/stranger.pub"), []byte(key)) {
			t.Errorf("%s is trusted", who)
		}
	})
}
