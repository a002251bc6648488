package gitrepo

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/url"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
)

// Options say which repository to work with, and as whom.
type Options struct {
	// URL is https://, ssh:// or file://; plain http:// is taken for a loopback host only, because nothing protects it on the way.
	// It holds no password. The user of an ssh URL is git unless it names another.
	URL string
	// Branch is the short name of the one branch that is read and moved.
	Branch string
	// CommitTo is the short name of a branch for Proposals, which need not exist; "" for none.
	CommitTo string
	// Path is the folder of the specs, slash-separated and relative to the repository's root; "" means the root.
	Path string
	// AuthorName and AuthorEmail are the author of every commit, and its committer where that is not named.
	AuthorName, AuthorEmail       string
	CommitterName, CommitterEmail string

	// Credentials returns what the server asks for. It is called before each session, so that files that were replaced count from then
	// on; its error ends that one operation. nil is a server that asks for nothing.
	Credentials func() (Credentials, error)

	// Sign returns a commit object with its signature in it, the same bytes for the same commit. Nil for commits that are not signed;
	// where it fails nothing is pushed.
	Sign func(commit []byte) ([]byte, error)
	// Trust says why the signature of a commit object does not count, or that it has none, in a few words. The tip of the branch is read
	// only where it returns nil. Nil for a branch whose commits need no signature.
	Trust func(commit []byte) error
}

// Check refuses what could not work or would not be safe, credentials apart; it dials nothing and reads no file. Its errors never
// quote a URL that might hold a password.
func (o Options) Check() error {
	if _, err := parseURL(o.URL); err != nil {
		return err
	}
	if err := plumbing.NewBranchReferenceName(o.Branch).Validate(); err != nil || o.Branch == "" {
		return fmt.Errorf("repository branch %q is not a name that git takes for a branch", o.Branch)
	}
	if err := plumbing.NewBranchReferenceName(o.CommitTo).Validate(); o.CommitTo != "" && (err != nil || o.CommitTo == o.Branch) {
		return fmt.Errorf("repository branch %q for what is recorded: give the name of a branch other than the one that is followed", o.CommitTo)
	}
	if o.Path != "" && !fs.ValidPath(o.Path) {
		return fmt.Errorf("repository path %q: use a folder relative to the repository's root, clean and inside it", o.Path)
	}
	return o.checkAuthor()
}

func (o Options) checkAuthor() error {
	for _, part := range []string{o.AuthorName, o.AuthorEmail, cmp.Or(o.CommitterName, o.AuthorName), cmp.Or(o.CommitterEmail, o.AuthorEmail)} {
		if strings.TrimSpace(part) == "" || strings.ContainsAny(part, "<>\n\x00") {
			return fmt.Errorf("repository author %q: a name and an e-mail address are needed, without < > or line breaks", part)
		}
	}
	return nil
}

func parseURL(raw string) (*url.URL, error) {
	location, err := url.Parse(raw)
	if err != nil || location.Scheme == "" {
		return nil, errors.New("repository URL: not a URL; write https://HOST/PATH, ssh://git@HOST/PATH (not git@HOST:PATH) or file:///PATH")
	}
	if location.RawQuery != "" || location.Fragment != "" || location.Opaque != "" {
		return nil, errors.New("repository URL: only scheme, host and path are taken; choose the branch and the folder with their own settings")
	}
	if _, secret := location.User.Password(); secret || (location.User != nil && location.Scheme != "ssh") {
		return nil, errors.New("repository URL: it holds credentials; take them out and give them as files")
	}
	return location, checkPlace(location)
}

func checkPlace(location *url.URL) error {
	host := location.Hostname()
	switch location.Scheme {
	case "https", "ssh":
		if host == "" || location.Path == "" {
			return errors.New("repository URL: host or path is missing")
		}
		if strings.HasPrefix(host, "-") || strings.HasPrefix(location.User.Username(), "-") { // an option, to programs that are not careful
			return errors.New("repository URL: no host begins with a dash, and no user")
		}
	case "http":
		if !loopback(host) {
			return errors.New("repository URL: plain http is only taken for this machine itself; use https")
		}
	case "file":
		if host != "" || !strings.HasPrefix(location.Path, "/") {
			return errors.New("repository URL: write file:///ABSOLUTE/PATH, with three slashes")
		}
	default:
		return fmt.Errorf("repository URL: scheme %q is not taken; use https, ssh or file", location.Scheme)
	}
	return nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || (ip != nil && ip.IsLoopback())
}
