package signature

import (
	"bytes"
	"errors"
	"fmt"
	"path"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"
)

// signer is a line of an allowed-signers file.
type signer struct {
	principals    string
	key           ssh.PublicKey
	namespaces    []string  // patterns; nil for all
	after, before time.Time // zero for no bound; both are moments at which the key counts
}

// counts says why the key does not count for a commit of that date.
func (s signer) counts(when time.Time) error {
	switch {
	case !s.after.IsZero() && when.Before(s.after):
		return fmt.Errorf("counts from %s on, and the commit's date is %s", second(s.after), second(when.In(s.after.Location())))
	case !s.before.IsZero() && when.After(s.before):
		return fmt.Errorf("counted until %s, and the commit's date is %s", second(s.before), second(when.In(s.before.Location())))
	}
	return nil
}

func second(t time.Time) string { return t.Format(time.RFC3339) }

// allows says why the key may not sign for a namespace.
func (s signer) allows(namespace string) error {
	if s.namespaces != nil && !matches(s.namespaces, namespace) {
		return fmt.Errorf("may not sign commits: its namespaces leave out %q", namespace)
	}
	return nil
}

// matches is ssh's match of a list of patterns: one that begins with ! takes back what others match.
func matches(patterns []string, name string) bool {
	found := false
	for _, p := range patterns {
		p, not := strings.CutPrefix(p, "!")
		if ok, _ := path.Match(p, name); ok && not { // checked by parseOption
			return false
		} else if ok {
			found = true
		}
	}
	return found
}

// parseAllowed reads an allowed-signers file as ssh-keygen(1) describes it. One line that can't be used makes the file useless: what it was
// to say is not known.
func parseAllowed(text []byte) ([]signer, error) {
	var all []signer
	n := 0
	for line := range bytes.Lines(text) {
		n++
		line := strings.TrimSpace(string(line))
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		s, err := parseSigner(line)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
		all = append(all, s)
	}
	if len(all) == 0 {
		return nil, errors.New("no line of it has a key")
	}
	return all, nil
}

// parseSigner reads "PRINCIPALS [OPTIONS] KEYTYPE KEY".
func parseSigner(line string) (signer, error) {
	principals, rest, err := parsePrincipals(line)
	if err != nil {
		return signer{}, err
	}
	s := signer{principals: principals}
	key, _, options, more, err := ssh.ParseAuthorizedKey([]byte(rest))
	if err != nil || len(more) > 0 {
		return signer{}, errors.New("no key that can be read: write PRINCIPALS [OPTIONS] KEYTYPE KEY, as in " +
			"`alice@example.com ssh-ed25519 AAAA…`")
	}
	if _, certificate := key.(*ssh.Certificate); certificate {
		return signer{}, errors.New("that is a certificate: list the key itself")
	}
	s.key = key
	given := map[string]bool{}
	for _, option := range options {
		name, value, _ := strings.Cut(option, "=")
		name = strings.ToLower(name)
		if given[name] {
			return signer{}, fmt.Errorf("%s twice", printable(name))
		}
		given[name] = true
		if err := s.set(name, value); err != nil {
			return signer{}, err
		}
	}
	return s, strong(key)
}

func parsePrincipals(line string) (principals, rest string, err error) {
	if quoted, ok := strings.CutPrefix(line, `"`); ok {
		principals, rest, ok = strings.Cut(quoted, `"`)
		if !ok {
			return "", "", errors.New(`a " is missing`)
		}
	} else if end := strings.IndexAny(line, " \t"); end > 0 {
		principals, rest = line[:end], line[end:]
	}
	rest = strings.TrimLeft(rest, " \t")
	if principals == "" || rest == "" {
		return "", "", errors.New("no key: write PRINCIPALS [OPTIONS] KEYTYPE KEY")
	}
	return printable(principals), rest, nil
}

// set takes one option over.
func (s *signer) set(name, value string) (err error) {
	if name == "cert-authority" {
		return errors.New("cert-authority is not supported: list the keys themselves")
	}
	text, ok := strings.CutPrefix(value, `"`)
	text, closed := strings.CutSuffix(text, `"`)
	if !ok || !closed {
		text = ""
	}
	switch name {
	case "namespaces":
		s.namespaces = strings.Split(text, ",")
		for _, p := range s.namespaces {
			if _, bad := path.Match(p, ""); bad != nil || p == "" || strings.ContainsAny(p, `[\`) {
				return errors.New(`namespaces: write names or patterns with * and ?, in quotes: namespaces="git"`)
			}
		}
	case "valid-after":
		s.after, err = parseTime(name, text)
	case "valid-before":
		s.before, err = parseTime(name, text)
	default:
		err = fmt.Errorf("%s is no option of an allowed-signers file", printable(name))
	}
	return err
}

// parseTime reads a time as ssh-keygen does: one that does not end in Z is of this machine's zone.
func parseTime(option, text string) (time.Time, error) {
	digits, utc := strings.CutSuffix(text, "Z")
	zone := time.Local
	if utc {
		zone = time.UTC
	}
	for _, layout := range []string{"20060102", "200601021504", "20060102150405"} {
		if t, err := time.ParseInLocation(layout, digits, zone); err == nil && len(digits) == len(layout) {
			return t, nil
		}
	}
	return time.Time{}, fmt.Errorf(`%s: write YYYYMMDD, YYYYMMDDHHMM or YYYYMMDDHHMMSS, and a Z for UTC, in quotes: %[1]s="20270101Z"`, option)
}
