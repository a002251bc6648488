package gitrepo

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"unicode"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/transport"
	"golang.org/x/crypto/ssh"
)

// BranchError says that the repository has no such branch. Whether that is a typing error, a deleted branch or a repository
// without any commit, nothing is known about the wanted state: a caller must not take it for an empty one.
type BranchError struct {
	// Repository is the URL without credentials.
	Repository string
	// Branch is the short name that was asked for.
	Branch string
	// Existing are the short names of the branches that there are, sorted; none in a repository without commits.
	Existing []string
}

// Error names the branches that exist, the first few of many.
func (e *BranchError) Error() string {
	if len(e.Existing) == 0 {
		return fmt.Sprintf("%s has no commits yet: push a first commit to branch %q", e.Repository, e.Branch)
	}
	return fmt.Sprintf("branch %q does not exist at %s (it has: %s)", e.Branch, e.Repository, few(e.Existing))
}

// few quotes the first of many names.
func few(names []string) string {
	const shown = 5
	quoted := make([]string, 0, shown+1)
	for _, name := range names[:min(shown, len(names))] {
		quoted = append(quoted, fmt.Sprintf("%q", name))
	}
	if more := len(names) - shown; more > 0 {
		quoted = append(quoted, fmt.Sprintf("and %d more", more))
	}
	return strings.Join(quoted, ", ")
}

// remoteError is a failure that a server or the way to it caused. Its text went through a redactor, because servers, proxies
// and libraries may quote what they were sent; so the cause can be asked for with errors.Is, and never be printed.
type remoteError struct {
	text  string
	cause error
}

func (e *remoteError) Error() string { return e.text }

// Is makes errors.Is see the cause that Unwrap would give away.
func (e *remoteError) Is(target error) bool { return errors.Is(e.cause, target) }

// fail describes err, which ended what was being done with the remote.
func (r *Repo) fail(ctx context.Context, doing string, err error) error {
	err = unhidden(err)
	if done := ctx.Err(); done != nil {
		err = errors.Join(done, err)
	}
	return &remoteError{text: fmt.Sprintf("%s %s: %s", doing, r.name, r.explain(err)), cause: err}
}

// explain says what went wrong in one line and, where that helps, what to try.
func (r *Repo) explain(err error) string {
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return "no complete answer in time"
	case errors.Is(err, context.Canceled):
		return "stopped"
	case errors.Is(err, transport.ErrAuthenticationRequired):
		return "the server wants credentials, or other ones: check the username and the password or token"
	case errors.Is(err, transport.ErrAuthorizationFailed):
		return "the server refuses these credentials: they need to read and to push"
	case errors.Is(err, transport.ErrRepositoryNotFound):
		return "no such repository, or the credentials may not see it"
	}
	if limit, ok := errors.AsType[*limitError](err); ok {
		return limit.Error()
	}
	if hostKey, ok := errors.AsType[*hostKeyError](err); ok {
		return hostKey.Error()
	}
	if none, ok := errors.AsType[*ssh.AlgorithmNegotiationError](err); ok && none.What == "host key" {
		return r.redact(fmt.Sprintf("STOP: the server has no key of the kind that known_hosts has for it (it offers %s): ask who runs the git server "+
			"whether they have changed it", strings.Join(none.RequestedAlgorithms, ", ")))
	}
	var unknown x509.UnknownAuthorityError
	if errors.As(err, &unknown) {
		return "the server's certificate is of an authority that is not trusted: if it is your own, give its certificate as CA bundle"
	}
	return r.redact(bare(err).Error())
}

// bare takes off what net/http wraps around an error: the URL is told already.
func bare(err error) error {
	if request, ok := errors.AsType[*url.Error](err); ok {
		err = request.Err
	}
	return err
}

// unhidden makes errors.Is and errors.As see what go-git hides.
func unhidden(err error) error {
	if unexpected, ok := errors.AsType[*plumbing.UnexpectedError](err); ok {
		return unexpected.Err
	}
	return err
}

// redact makes foreign text fit for a log: no secrets, and printable.
func (r *Repo) redact(text string) string {
	return printable(r.secrets.Clean(text)) // before it is cut: half a secret is one too many
}

// printable makes one line of printable characters of a text, bounded.
func printable(text string) string {
	const longest = 300
	text = strings.Join(strings.FieldsFunc(text, func(c rune) bool { return unicode.IsSpace(c) || !unicode.IsPrint(c) }), " ")
	if runes := []rune(text); len(runes) > longest {
		return string(runes[:longest]) + "…"
	}
	return text
}
