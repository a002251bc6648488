package gitrepo

import (
	"context"
	"io"

	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
)

// remote opens sessions with a git server: one session, one list of references and at most one pack.
type remote interface {
	read(ctx context.Context) (reading, error)
	write(ctx context.Context) (writing, error)
}

// reading is a session with git-upload-pack.
type reading interface {
	AdvertisedReferencesContext(context.Context) (*packp.AdvRefs, error)
	UploadPack(context.Context, *packp.UploadPackRequest) (*packp.UploadPackResponse, error)
	Close() error
}

// writing is a session with git-receive-pack. The report may be nil where the server sends none.
type writing interface {
	AdvertisedReferencesContext(context.Context) (*packp.AdvRefs, error)
	ReceivePack(context.Context, *packp.ReferenceUpdateRequest) (*packp.ReportStatus, error)
	Close() error
}

// newRemote chooses by the scheme of a URL that Options.Check accepted, and refuses credentials that could not work. The limits are
// read at each call.
func newRemote(access *access, limits *limits) (remote, error) {
	switch access.location.Scheme {
	case "ssh":
		return newSSH(access, limits)
	case "file":
		_, err := access.credentials()
		return &local{path: access.location.Path, limits: limits}, err
	default:
		return newWeb(access, limits)
	}
}

// capped reads at most left bytes and fails where there are more, so that a cut answer is never taken for a whole one.
type capped struct {
	io.Reader
	left int64
}

func (c *capped) Read(p []byte) (int, error) {
	if int64(len(p)) > c.left+1 {
		p = p[:c.left+1]
	}
	n, err := c.Reader.Read(p)
	if c.left -= int64(n); c.left < 0 {
		return 0, errTooLarge
	}
	return n, err
}
