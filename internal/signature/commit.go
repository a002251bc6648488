package signature

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// header is where git keeps the signature of a commit whose hash is SHA-1.
const header = "gpgsig"

// errUnsigned says that a commit has no signature.
var errUnsigned = errors.New("it is not signed")

// split takes a commit object apart: what was signed, which is the object without the header, and the armored signature.
func split(commit []byte) (payload []byte, signature string, err error) {
	head, body, err := headers(commit)
	if err != nil {
		return nil, "", err
	}
	var signed []string
	payload = make([]byte, 0, len(commit))
	inside := false
	for line := range bytes.Lines(head) {
		name, value, _ := strings.Cut(string(line), " ")
		switch {
		case name == "" && inside:
			signed = append(signed, value)
			continue
		case name == header && len(signed) > 0:
			return nil, "", errors.New("it has more than one signature")
		case name == header:
			signed = append(signed, value)
			inside = true
			continue
		case strings.HasPrefix(name, header): // git leaves those out too
			return nil, "", fmt.Errorf("it has a header %.30q, which is not understood", name)
		}
		inside = false
		payload = append(payload, line...)
	}
	switch {
	case len(signed) == 0:
		return nil, "", errUnsigned
	case len(payload) == 0:
		return nil, "", errors.New("it is no commit: it is a signature of nothing")
	}
	return append(payload, body...), strings.Join(signed, ""), nil
}

// join puts a signature into a commit object that has none.
func join(commit []byte, signature string) ([]byte, error) {
	if _, _, err := split(commit); !errors.Is(err, errUnsigned) {
		return nil, errors.New("to be signed: not a commit without a signature")
	}
	head, body, err := headers(commit)
	if err != nil {
		return nil, err
	}
	lines := strings.ReplaceAll(strings.TrimSuffix(signature, "\n"), "\n", "\n ")
	return fmt.Appendf(nil, "%s%s %s\n%s", head, header, lines, body), nil
}

// headers ends before the empty line, with which the body begins.
func headers(commit []byte) (head, body []byte, err error) {
	end := bytes.Index(commit, []byte("\n\n"))
	if end < 0 {
		return nil, nil, errors.New("it is no commit: nothing ends its headers")
	}
	return commit[:end+1], commit[end+1:], nil
}

// committed is the committer's date.
func committed(commit []byte) (time.Time, error) {
	const committer = "committer "
	head, _, err := headers(commit)
	if err != nil {
		return time.Time{}, err
	}
	var dates []string
	for line := range bytes.Lines(head) {
		if bytes.HasPrefix(line, []byte(committer)) {
			dates = append(dates, string(line[bytes.LastIndexByte(line, '>')+1:]))
		}
	}
	if len(dates) != 1 {
		return time.Time{}, errors.New("it is no commit: it has not one committer")
	}
	fields := strings.Fields(dates[0])
	if len(fields) != 2 {
		return time.Time{}, errors.New("its committer has no date")
	}
	seconds, err := strconv.ParseInt(fields[0], 10, 64)
	if err != nil || seconds < 0 || seconds > latest {
		return time.Time{}, errors.New("its committer's date is none that can be")
	}
	return time.Unix(seconds, 0).UTC(), nil
}

// latest is the last second that OpenPGP can name, in 2106.
const latest = 1<<32 - 1
