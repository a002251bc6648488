package registry

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"github.com/trefoil-gitops/trefoil/internal/redact"
)

// Login is as whom the person's own docker or podman logs in at registries. It knows the secrets that it uses, since a registry, or a
// proxy before it, may repeat them in what becomes an error. The zero value is ready; all may use it at once.
type Login struct {
	sent redact.Memory
}

// Options are those of a request with the login.
func (l *Login) Options(ctx context.Context) []remote.Option {
	return []remote.Option{remote.WithContext(ctx), remote.WithAuthFromKeychain(l), remote.WithTransport(l)}
}

// Resolve is that of the default keychain.
func (l *Login) Resolve(registry authn.Resource) (authn.Authenticator, error) {
	found, err := authn.DefaultKeychain.Resolve(registry)
	if err != nil {
		return nil, err
	}
	as, err := found.Authorization()
	if err == nil {
		l.sent.Add(as.Password, as.Auth, as.IdentityToken, as.RegistryToken)
	}
	return found, err
}

// RoundTrip is that of the usual transport. What is sent may be a token that a registry has given for a password.
func (l *Login) RoundTrip(request *http.Request) (*http.Response, error) {
	if header := request.Header.Get("Authorization"); header != "" {
		l.sent.AddBrief(redact.Authorization(header)...)
	}
	return remote.DefaultTransport.RoundTrip(request)
}

// Discreet is an error without the secrets that were used. Its cause would tell. No error stays none.
func (l *Login) Discreet(err error) error {
	if err == nil {
		return nil
	}
	l.sent.Add(redact.OfProxies()...)
	return errors.New(l.sent.Clean(err.Error()))
}

// Explain says of an error of asking for an image, or of pushing it, what to try. It holds what the registry said.
func Explain(image name.Reference, err error) error {
	host := image.Context().RegistryStr()
	if answer, ok := errors.AsType[*transport.Error](err); ok {
		switch answer.StatusCode {
		case http.StatusUnauthorized, http.StatusForbidden:
			return fmt.Errorf("%s does not let you at %s: try `docker login %s`: %w", host, image, host, err)
		}
	}
	if _, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		return fmt.Errorf("the certificate of %s is of an authority that is not known here: name its file in SSL_CERT_FILE: %w", host, err)
	}
	return fmt.Errorf("%s can't be asked: %w", host, err)
}
