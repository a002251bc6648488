package local

import (
	"context"
	"fmt"
	"runtime"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/trefoil-gitops/trefoil/internal/registry"
)

// base is the image that is put below the layers: the configured one, or a bare one without anything.
func (e *Engine) base(ctx context.Context, as *registry.Login, b build) (img v1.Image, bare bool, err error) {
	oci := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
	if e.options.Base == "" {
		return oci, true, nil
	}
	ref, err := b.reference(e.options.Base)
	if err != nil {
		return nil, false, fmt.Errorf("the base image: %w", err)
	}
	img, err = remote.Image(ref, append(as.Options(ctx), remote.WithPlatform(v1.Platform{OS: "linux", Architecture: runtime.GOARCH}))...)
	if err != nil {
		e.options.Log.Warn("the base image can't be had, packaging without it: the image runs on this machine only", "base", e.options.Base,
			"error", as.Discreet(err))
		return oci, true, nil
	}
	return img, false, nil
}

// push puts the image into its registry, where that is asked for.
func (e *Engine) push(ctx context.Context, as *registry.Login, img v1.Image, b build) error {
	if !e.options.Push {
		return nil
	}
	ref, err := b.reference(b.repository + ":" + b.tag)
	if err != nil {
		return fmt.Errorf("the image was made and has no name to push it by: %w", err)
	}
	if err := remote.Write(ref, img, as.Options(ctx)...); err != nil {
		return fmt.Errorf("the image was made and could not be pushed: %w", registry.Explain(ref, err))
	}
	return nil
}

// reference is the name of an image as its registry is reached.
func (b build) reference(image string) (name.Reference, error) {
	ref, err := name.ParseReference(image)
	if err != nil || ref.Context().RegistryStr() != b.plain {
		return ref, err
	}
	return name.ParseReference(image, name.Insecure)
}
