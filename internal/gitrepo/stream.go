package gitrepo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/go-git/go-git/v5/plumbing/format/pktline"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/capability"
	"github.com/go-git/go-git/v5/plumbing/transport"
)

const (
	uploadPack  = "upload-pack"
	receivePack = "receive-pack"
)

// stream is a session with a git command that runs elsewhere, over its standard input and output. Whoever opens one sees to it
// that reads and writes end with the context: that is why the contexts of the methods are not looked at.
type stream struct {
	service string
	in      io.WriteCloser
	out     *capped
	said    *remark
	wait    func() error // returns once the command has ended
	end     func() error // ends it, whatever it is doing
	limits  *limits
	moved   bool // a request for a pack was sent
}

// AdvertisedReferencesContext reads the list that the command starts with. Only for reading is an empty one an error.
func (s *stream) AdvertisedReferencesContext(context.Context) (*packp.AdvRefs, error) {
	refs := packp.NewAdvRefs()
	s.out.left, s.out.over = s.limits.refs, s.limits.overRefs()
	err := refs.Decode(newAdvert(s.out))
	switch {
	case errors.Is(err, packp.ErrEmptyAdvRefs) || (err == nil && refs.IsEmpty()):
		if s.service == uploadPack {
			return nil, transport.ErrEmptyRemoteRepository
		}
	case errors.Is(err, packp.ErrEmptyInput):
		return nil, s.silent()
	case err != nil:
		return nil, fmt.Errorf("list of references: %w", err)
	}
	transport.FilterUnsupportedCapabilities(refs.Capabilities)
	return refs, nil
}

// silent explains why a command ended without a word on its output.
func (s *stream) silent() error {
	_ = s.wait() // its last words are complete once it has ended
	if words := s.said.text(); words != "" {
		return fmt.Errorf("the server says: %s", words)
	}
	return fmt.Errorf("git-%s ended without an answer: %w", s.service, io.ErrUnexpectedEOF)
}

// UploadPack asks for a pack and returns it from its first byte on.
func (s *stream) UploadPack(_ context.Context, request *packp.UploadPackRequest) (*packp.UploadPackResponse, error) {
	s.moved = true
	s.out.left, s.out.over = s.limits.pack, s.limits.overPack()
	if err := request.UploadRequest.Encode(s.in); err != nil {
		return nil, fmt.Errorf("request: %w", err)
	}
	if err := request.UploadHaves.Encode(s.in, true); err != nil {
		return nil, fmt.Errorf("request: %w", err)
	}
	if err := pktline.NewEncoder(s.in).EncodeString("done\n"); err != nil {
		return nil, fmt.Errorf("request: %w", err)
	}
	if err := s.in.Close(); err != nil {
		return nil, fmt.Errorf("request: %w", err)
	}
	response := packp.NewUploadPackResponse(request)
	if err := response.Decode(io.NopCloser(s.out)); err != nil {
		return nil, fmt.Errorf("answer: %w", err)
	}
	return response, nil
}

// ReceivePack sends a pack and reads what became of it.
func (s *stream) ReceivePack(_ context.Context, request *packp.ReferenceUpdateRequest) (*packp.ReportStatus, error) {
	s.moved = true
	s.out.left, s.out.over = s.limits.refs, s.limits.overRefs()
	if err := request.Encode(s.in); err != nil {
		return nil, fmt.Errorf("request: %w", err)
	}
	if err := s.in.Close(); err != nil {
		return nil, fmt.Errorf("request: %w", err)
	}
	if !request.Capabilities.Supports(capability.ReportStatus) {
		return nil, nil
	}
	report := packp.NewReportStatus()
	if err := report.Decode(s.out); err != nil {
		return nil, fmt.Errorf("answer: %w", err)
	}
	return report, report.Error()
}

// Close takes leave, politely where no pack was asked for, and ends the command.
func (s *stream) Close() error {
	if !s.moved {
		_, _ = s.in.Write(pktline.FlushPkt) // the command may have ended already
	}
	_ = s.in.Close()
	return s.end()
}

// remark keeps the first words of a command on its standard error, which people read when it failed.
type remark struct{ words bytes.Buffer }

// Write never fails: what does not fit is dropped.
func (r *remark) Write(p []byte) (int, error) {
	const most = 1 << 10
	r.words.Write(p[:min(len(p), most-min(most, r.words.Len()))])
	return len(p), nil
}

func (r *remark) text() string { return r.words.String() }
