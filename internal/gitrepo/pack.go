package gitrepo

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/format/packfile"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/capability"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/sideband"
	"github.com/go-git/go-git/v5/plumbing/storer"
	"github.com/go-git/go-git/v5/storage/memory"
)

// ask is a request for a commit, with as much of its history as makes it depth commits.
func ask(refs *packp.AdvRefs, want plumbing.Hash, depth int) (*packp.UploadPackRequest, error) {
	if !refs.Capabilities.Supports(capability.Shallow) {
		return nil, errors.New("the server cannot send a commit without its history (git calls that shallow): ask who runs it, or whether a proxy in the way forbids it")
	}
	request := packp.NewUploadPackRequestFromCapabilities(refs.Capabilities)
	request.Wants = []plumbing.Hash{want}
	request.Depth = packp.DepthCommits(depth)
	wanted := []capability.Capability{capability.Shallow}
	if refs.Capabilities.Supports(capability.NoProgress) {
		wanted = append(wanted, capability.NoProgress)
	}
	for _, c := range wanted {
		if err := request.Capabilities.Set(c); err != nil {
			return nil, err
		}
	}
	return request, nil
}

// receive returns the objects that the server sends, which may be deltas to those of base.
func (r *Repo) receive(
	ctx context.Context, session reading, request *packp.UploadPackRequest, base storer.EncodedObjectStorer,
) (*memory.Storage, error) {
	response, err := session.UploadPack(ctx, request)
	if err != nil {
		return nil, err
	}
	defer response.Close()
	// A capability of the request that the server does not have makes no answer come through a side band.
	pack, err := io.ReadAll(&capped{demultiplexed(request.Capabilities, response), r.limits.pack, r.limits.overPack()})
	if err != nil {
		return nil, fmt.Errorf("pack: %w", err)
	}
	return unpack(pack, r.limits, base)
}

func demultiplexed(agreed *capability.List, reader io.Reader) io.Reader {
	switch {
	case agreed.Supports(capability.Sideband64k):
		return sideband.NewDemuxer(sideband.Sideband64k, reader)
	case agreed.Supports(capability.Sideband):
		return sideband.NewDemuxer(sideband.Sideband, reader)
	}
	return reader
}

// unpack reads a pack that weigh found to be harmless. It returns the pack's own objects, without those of base.
func unpack(pack []byte, limits limits, base storer.EncodedObjectStorer) (*memory.Storage, error) {
	if err := weigh(pack, limits); err != nil {
		return nil, fmt.Errorf("pack: %w", err)
	}
	store := memory.NewStorage()
	parser, err := packfile.NewParserWithStorage(packfile.NewScanner(bytes.NewReader(pack)), &layered{store, base})
	if err != nil {
		return nil, fmt.Errorf("pack: %w", err)
	}
	if _, err := parser.Parse(); err != nil {
		return nil, fmt.Errorf("pack: %w", err)
	}
	return store, nil
}

// weigh adds up what a pack inflates to without keeping any of it. A thousand bytes of pack can stand for a million of content,
// and the parser would hold them all before anybody could object.
func weigh(pack []byte, limits limits) error {
	scanner := packfile.NewScanner(bytes.NewReader(pack))
	_, count, err := scanner.Header()
	if err != nil {
		return err
	}
	if count > limits.objects {
		return limits.overObjects()
	}
	var total int64
	for range count {
		header, err := scanner.NextObjectHeader()
		if err != nil {
			return err
		}
		if header.Length > limits.content-total {
			return limits.overContent()
		}
		var start prefix
		if _, _, err := scanner.NextObject(&start); err != nil {
			return err
		}
		grown, err := start.grown(header)
		if err != nil {
			return err
		}
		if grown > limits.content-total {
			return limits.overContent()
		}
		total += grown
	}
	return nil
}

// prefix keeps the first bytes of an object, where a delta says how long its result is.
type prefix struct {
	bytes [2 * binary.MaxVarintLen64]byte
	n     int
}

// Write keeps what still fits and takes the rest as read.
func (p *prefix) Write(b []byte) (int, error) {
	p.n += copy(p.bytes[p.n:], b)
	return len(b), nil
}

// grown returns the size of the object, for a delta of the delta and its result together.
func (p *prefix) grown(header *packfile.ObjectHeader) (int64, error) {
	if !header.Type.IsDelta() {
		return header.Length, nil
	}
	_, base := binary.Uvarint(p.bytes[:p.n])
	if base <= 0 {
		return 0, packfile.ErrInvalidDelta
	}
	result, n := binary.Uvarint(p.bytes[base:p.n])
	if n <= 0 || result > 1<<40 {
		return 0, packfile.ErrInvalidDelta
	}
	return header.Length + int64(result), nil
}
