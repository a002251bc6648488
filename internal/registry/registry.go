// Package registry asks a registry what an image in it says about itself, and logs in at registries. Who may push an image may say
// anything in it, so nothing of that is believed here or made fit for a screen.
package registry

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
)

const (
	patience = 30 * time.Second // with a registry
	largest  = 4 << 20          // bytes of an image's configuration, which is a few thousand
)

// Image is what an image says about itself.
type Image struct {
	Digest string            // "sha256:...", of what the name stands for now
	Notes  map[string]string // annotations and labels by name; an annotation goes before a label
}

// Read asks for an image by tag or digest, with the credentials that `docker login` left. Plain HTTP is spoken to registries on
// loopback, and to others where plain says so. The error says what to try; it holds what the registry said, but for secrets.
func Read(ctx context.Context, image string, plain bool) (Image, error) {
	var options []name.Option
	if plain {
		options = append(options, name.Insecure)
	}
	ref, err := name.ParseReference(image, options...)
	if err != nil {
		return Image{}, fmt.Errorf("%q is no name of an image: %w", image, err)
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	as := new(Login)
	img, err := read(ref, as.Options(ctx))
	return img, as.Discreet(err)
}

func read(ref name.Reference, as []remote.Option) (Image, error) {
	found, err := remote.Get(ref, as...)
	if answer, ok := errors.AsType[*transport.Error](err); ok && answer.StatusCode == http.StatusNotFound {
		return Image{}, fmt.Errorf("there is no image %s: %w", ref, err)
	}
	if err != nil {
		return Image{}, Explain(ref, err)
	}
	img, err := found.Image()
	if err != nil {
		return Image{}, fmt.Errorf("%s is no image: %w", ref, err)
	}
	all, err := notes(img)
	if err != nil {
		return Image{}, fmt.Errorf("%s: %w", ref, err)
	}
	return Image{found.Digest.String(), all}, nil
}

func notes(img v1.Image) (map[string]string, error) {
	manifest, err := img.Manifest()
	if err != nil {
		return nil, err
	}
	if size := manifest.Config.Size; size < 0 || size > largest {
		return nil, fmt.Errorf("its configuration is said to have %d bytes, and may have 0 to %d", size, largest)
	}
	config, err := img.ConfigFile()
	if err != nil {
		return nil, err
	}
	all := map[string]string{}
	for _, said := range []map[string]string{config.Config.Labels, manifest.Annotations} {
		for key, value := range said {
			all[key] = value
		}
	}
	return all, nil
}
