package gitrepo

import (
	"context"

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
