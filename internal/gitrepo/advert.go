package gitrepo

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
)

var (
	errPage = errors.New("the server answers with a web page, not as git does: check the URL (many end in .git), and whether a login page " +
		"or a proxy is in the way")
	errDumb = errors.New("the server only hands out files (git's dumb protocol), and takes no commits: use one that speaks git's smart " +
		"protocol, as git http-backend does")
)

// advert is a list of references, of which the beginning is looked at before go-git reads it: that takes every hash for one of SHA-1.
type advert struct {
	from   *bufio.Reader
	looked bool
	err    error
}

func newAdvert(from io.Reader) *advert { return &advert{from: bufio.NewReader(from)} }

// Read is that of the list, unless it is none.
func (a *advert) Read(p []byte) (int, error) {
	if !a.looked {
		a.looked, a.err = true, a.look()
	}
	if a.err != nil {
		return 0, a.err
	}
	return a.from.Read(p)
}

// look reads ahead, never beyond what a server sends by itself: over http a line about the service and its end, then the first
// reference. What is cut off is left to go-git.
func (a *advert) look() error {
	const digits = 4 // of its length, before each line
	for at := 0; ; {
		begin, err := a.from.Peek(at + digits)
		if err != nil && (at > 0 || len(begin) == 0) {
			return nil
		}
		length, err := strconv.ParseUint(string(begin[at:]), 16, 16)
		if err != nil || len(begin) < digits {
			arrived, _ := a.from.Peek(a.from.Buffered())
			return notGit(arrived)
		}
		if length == 0 && at == 0 {
			return nil // no references
		}
		line, _ := a.from.Peek(min(at+max(int(length), digits), a.from.Size()))
		line = line[at:]
		switch {
		case dumb.Match(line):
			return errDumb
		case length > digits && !bytes.HasPrefix(line[digits:], []byte("# ")):
			return formatOf(line)
		}
		at += len(line)
	}
}

// dumb is how a list begins that is a file: its hashes may look like the length of a line.
var dumb = regexp.MustCompile(`^[0-9a-f]{40}([0-9a-f]{24})?\t`)

// notGit says what an answer is that is no list.
func notGit(begin []byte) error {
	switch text := strings.TrimSpace(string(begin)); {
	case strings.HasPrefix(text, "<"):
		return errPage
	default:
		const enough = 80
		return fmt.Errorf("the server does not answer as git does, it says %q", text[:min(len(text), enough)])
	}
}

// formatOf refuses hashes that are not read, by what the server says that it can.
func formatOf(line []byte) error {
	_, capabilities, _ := bytes.Cut(line, []byte{0})
	for word := range strings.FieldsSeq(string(capabilities)) {
		if format, ok := strings.CutPrefix(word, "object-format="); ok && format != "sha1" {
			return errHashes(format)
		}
	}
	return nil
}
