// Package polyaxon is the engine that runs searches: matrix operations of a Polyaxon 2.x server, over its REST API.
//
// What the server says is not taken at its word where it is known to mislead: a matrix is done when its experiments are, a
// success without its metric is waited for, an empty 405 is a locked database, and a create that was not answered may still
// come true. Each of these rules stands at the code that it shapes.
package polyaxon

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/trefoil-gitops/trefoil/internal/redact"
	"github.com/trefoil-gitops/trefoil/reconcile"
)

// Options say which server and project an Engine works on.
type Options struct {
	// BaseURL is the server's address, with a path where it is mounted below one and without credentials.
	BaseURL string
	// Owner and Project are where searches run. The project is created with the first search.
	Owner, Project string
	// Token is sent as "Authorization: Token ..."; empty for the Community Edition, which has none.
	Token Token
	// RepositoryOwner is the identity that our runs carry in meta_info. Runs with another one are not ours.
	RepositoryOwner string
	// Transport carries the requests; nil for Go's own with its defaults.
	Transport http.RoundTripper
	// Log hears of retries, at debug level; nil for silence.
	Log *slog.Logger
}

// Token is a secret: however it is printed, what comes out is "[redacted]".
type Token string

// Format implements fmt.Formatter for every verb.
func (Token) Format(s fmt.State, _ rune) { _, _ = s.Write([]byte(redact.Mark)) }

// MarshalText implements encoding.TextMarshaler, for JSON and for log handlers.
func (Token) MarshalText() ([]byte, error) { return []byte(redact.Mark), nil }

// Engine holds the Searches of one repository in one Polyaxon project. It implements reconcile.Engine and
// reconcile.Evidence and is safe for concurrent use.
type Engine struct {
	client         client
	owner, project string
	repository     string // Options.RepositoryOwner
	patience       patience
	look           time.Duration // that the experiments of one search may take to be read
	now            func() time.Time

	mu      sync.Mutex
	settled map[string]settled // by uuid of the matrix: what has ended and is not asked for again for a while
}

var (
	_ reconcile.Engine   = (*Engine)(nil)
	_ reconcile.Evidence = (*Engine)(nil)
)

// New checks the options; it asks the server nothing.
func New(o Options) (*Engine, error) {
	// What is wrong with the URL is said without it: somebody may have put a token there.
	base, err := url.Parse(strings.TrimRight(o.BaseURL, "/") + "/")
	switch {
	case err != nil:
		return nil, errors.New("polyaxon: the URL can't be parsed; write it like http://polyaxon.example:8000")
	case base.Scheme != "http" && base.Scheme != "https" || base.Host == "":
		return nil, errors.New("polyaxon: the URL is not http or https; write it like http://polyaxon.example:8000")
	case base.User != nil:
		return nil, errors.New("polyaxon: the URL carries credentials; put a token into a file instead")
	case base.RawQuery != "" || base.Fragment != "":
		return nil, errors.New("polyaxon: the URL has a query or fragment; write only the server's address")
	}
	for what, name := range map[string]string{"owner": o.Owner, "project": o.Project} {
		if !slug.MatchString(name) {
			return nil, fmt.Errorf("polyaxon: %s %q is not letters, digits, - and _", what, name)
		}
	}
	if !identity.MatchString(o.RepositoryOwner) {
		return nil, fmt.Errorf("polyaxon: repository identity %q is not of the form r-0123456789abcdef", o.RepositoryOwner)
	}
	const longest = 8 << 10
	if len(o.Token) > longest || strings.ContainsFunc(string(o.Token), func(r rune) bool { return r <= ' ' || r >= 0x7f }) {
		return nil, errors.New("polyaxon: the token is too long, or has characters that no HTTP header can carry; is its file the right one?")
	}
	return &Engine{
		client: newClient(base, o), owner: o.Owner, project: o.Project, repository: o.RepositoryOwner,
		patience: patience{metric: 30 * time.Second, settle: 10 * time.Second},
		look:     20 * time.Second, now: time.Now, settled: map[string]settled{},
	}, nil
}

var (
	slug = regexp.MustCompile(`^[-a-zA-Z0-9_]{1,128}$`)
	// identity is what the server's query language takes as a word: nothing that it would read as a number, a range or a list.
	identity = regexp.MustCompile(`^[a-z]+-[-a-z0-9]+$`)
	uuid     = regexp.MustCompile(`^[0-9a-f]{32}$`)
	sum256   = regexp.MustCompile(`^[0-9a-f]{64}$`)
)

// runs is the path of the project's runs, with more segments below it.
func (e *Engine) runs(below ...string) []string {
	return append([]string{"api", "v1", e.owner, e.project, "runs"}, below...)
}
