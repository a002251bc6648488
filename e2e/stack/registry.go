//go:build e2e

package stack

import (
	"archive/tar"
	"bytes"
	"context"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"path/filepath"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

// RegistryAddress is where the registry of real pods answers, over plain HTTP,
// to pods, to the node and to the test.
const RegistryAddress = nodeIP + ":5000"

// Registry holds the stack's images and those that pods push.
type Registry struct {
	filtered
	server *listener
}

// startRegistry starts the registry with the images of a layout, whose blobs it
// serves from the cache: links to them, so that nothing is copied. What pods
// fetch git repositories with trusts the authority ca, in PEM.
func startRegistry(ctx context.Context, images, dir string, ca []byte) (*Registry, error) {
	index, err := layout.ImageIndexFromPath(images)
	if err != nil {
		return nil, err
	}
	blobs := filepath.Join(dir, "sha256")
	if err := linkAll(filepath.Join(images, "blobs", "sha256"), blobs); err != nil {
		return nil, fmt.Errorf("blobs of images: %w", err)
	}
	r := &Registry{}
	handler := registry.New(registry.WithBlobHandler(registry.NewDiskBlobHandler(dir)), registry.Logger(log.New(io.Discard, "", 0)))
	if r.server, err = listenAt(RegistryAddress, r.before(handler), "", ""); err != nil {
		return nil, err
	}
	manifest, err := index.IndexManifest()
	if err != nil {
		return nil, err
	}
	for _, entry := range manifest.Manifests {
		if err := pushImage(ctx, index, entry, ca); err != nil {
			_ = r.Close()
			return nil, err
		}
	}
	return r, nil
}

func pushImage(ctx context.Context, index v1.ImageIndex, entry v1.Descriptor, ca []byte) error {
	ref, err := name.ParseReference(entry.Annotations[refName], name.Insecure)
	if err != nil {
		return err
	}
	image, err := index.Image(entry.Digest)
	if err != nil {
		return err
	}
	if ref.Name() == ImageBuild {
		if image, err = trusting(image, ca); err != nil {
			return err
		}
	}
	if err := remote.Write(ref, image, remote.WithContext(ctx), remote.WithTransport(http.DefaultTransport)); err != nil {
		return fmt.Errorf("push %s: %w", ref, err)
	}
	return nil
}

// trusting is an image of Debian's that trusts one authority and no other.
func trusting(image v1.Image, ca []byte) (v1.Image, error) {
	var file bytes.Buffer
	archive := tar.NewWriter(&file)
	header := &tar.Header{Name: "etc/ssl/certs/ca-certificates.crt", Mode: 0o644, Size: int64(len(ca))}
	if err := archive.WriteHeader(header); err != nil {
		return nil, err
	}
	if _, err := archive.Write(ca); err != nil {
		return nil, err
	}
	if err := archive.Close(); err != nil {
		return nil, err
	}
	layer, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(file.Bytes())), nil })
	if err != nil {
		return nil, err
	}
	return mutate.AppendLayers(image, layer)
}

// linkAll links the files of a folder into another one, which it makes.
func linkAll(from, to string) error {
	entries, err := os.ReadDir(from)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(to, 0o755); err != nil {
		return err
	}
	for _, e := range entries {
		if err := os.Link(filepath.Join(from, e.Name()), filepath.Join(to, e.Name())); err != nil {
			return err
		}
	}
	return nil
}

// Close stops the registry.
func (r *Registry) Close() error { return r.server.close() }
