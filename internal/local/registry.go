package local

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"sync"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/trefoil-gitops/trefoil/internal/redact"
)

// login is as whom the person's own docker or podman logs in at registries, while one image is made. It knows the secrets that it uses, since
// a registry, or a proxy before it, may repeat them in what becomes an error.
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
