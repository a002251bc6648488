package local

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"runtime"
	"slices"
	"sync"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/trefoil-gitops/trefoil/internal/redact"
)

// base is the image that is put below the layers: the configured one, or a bare one without anything.
func (e *Engine) base(ctx context.Context, as *login) (img v1.Image, bare bool, err error) {
	oci := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
	if e.options.Base == "" {
		return oci, true, nil
	}
	ref, err := name.ParseReference(e.options.Base)
	if err != nil {
		return nil, false, fmt.Errorf("the base image: %w", err)
	}
	img, err = remote.Image(ref, append(as.options(ctx), remote.WithPlatform(v1.Platform{OS: "linux", Architecture: runtime.GOARCH}))...)
	if err != nil {
		e.options.Log.Warn("the base image can't be had, packaging without it: the image runs on this machine only", "base", e.options.Base,
			"error", as.discreet(err))
		return oci, true, nil
	}
	return img, false, nil
}

// push puts the image into its registry, where that is asked for.
func (e *Engine) push(ctx context.Context, as *login, img v1.Image, b build) error {
	if !e.options.Push {
		return nil
	}
	ref, err := name.NewTag(b.repository + ":" + b.tag)
	if err == nil {
		err = remote.Write(ref, img, as.options(ctx)...)
	}
	if err != nil {
		return fmt.Errorf("the image was made and could not be pushed: %w", err)
	}
	return nil
}

// login is as whom the person's own docker or podman logs in at registries, while one image is made. It knows the secrets that it uses,
// since a registry, or a proxy before it, may repeat them in what becomes an error.
type login struct {
	mu      sync.Mutex
	secrets []string
}

func (l *login) options(ctx context.Context) []remote.Option {
	return []remote.Option{remote.WithContext(ctx), remote.WithAuthFromKeychain(l), remote.WithTransport(l)}
}

// Resolve is that of the default keychain.
func (l *login) Resolve(registry authn.Resource) (authn.Authenticator, error) {
	found, err := authn.DefaultKeychain.Resolve(registry)
	if err != nil {
		return nil, err
	}
	as, err := found.Authorization()
	if err == nil {
		l.note(as.Password, as.Auth, as.IdentityToken, as.RegistryToken)
	}
	return found, err
}

// RoundTrip is that of the usual transport. What is sent may be a token that a registry has given for a password.
func (l *login) RoundTrip(request *http.Request) (*http.Response, error) {
	if header := request.Header.Get("Authorization"); header != "" {
		l.note(redact.Authorization(header)...)
	}
	return remote.DefaultTransport.RoundTrip(request)
}

func (l *login) note(secrets ...string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, one := range secrets {
		if !slices.Contains(l.secrets, one) {
			l.secrets = append(l.secrets, one)
		}
	}
}

// discreet is an error without the secrets. Its cause would tell.
func (l *login) discreet(err error) error {
	if err == nil {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return errors.New(redact.Secrets(append(redact.OfProxies(), l.secrets...)...)(err.Error()))
}
