//go:build e2e

package stack

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
)

// RegistryTLSAddress is where ServeRegistryTLS has the registry answer too.
const RegistryTLSAddress = nodeIP + ":5443"

// ServeRegistryTLS has the registry of real pods answer at RegistryTLSAddress
// too, to one user alone, until the namespaces end. Its certificate is signed by
// an authority whose PEM is the file it returns, and that nothing else trusts.
// The node pulls what is named by that address past it.
func (s *Stack) ServeRegistryTLS(user, password string) (caFile string, err error) {
	const plain = "http://" + RegistryAddress
	to, err := url.Parse(plain)
	if err != nil {
		return "", err
	}
	ca, err := newAuthority()
	if err != nil {
		return "", err
	}
	dir := s.path("registry-tls")
	if err := ca.issue(dir, "registry"); err != nil {
		return "", err
	}
	registry := httputil.NewSingleHostReverseProxy(to)
	_, err = listenAt(RegistryTLSAddress, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if name, word, _ := r.BasicAuth(); name != user || word != password {
			w.Header().Set("WWW-Authenticate", `Basic realm="registry"`)
			http.Error(w, `{"errors": [{"code": "UNAUTHORIZED"}]}`, http.StatusUnauthorized)
			return
		}
		registry.ServeHTTP(w, r)
	}), filepath.Join(dir, "tls.crt"), filepath.Join(dir, "tls.key"))
	if err != nil {
		return "", err
	}
	hosts := nodeFile("registries/" + RegistryTLSAddress + "/hosts.toml")
	text := fmt.Appendf(nil, "server = %q\n\n[host.%q]\ncapabilities = [\"pull\", \"resolve\"]\n", "https://"+RegistryTLSAddress, plain)
	caFile = filepath.Join(dir, "ca.crt")
	return caFile, errors.Join(os.WriteFile(caFile, ca.pem, 0o600), os.MkdirAll(filepath.Dir(hosts), 0o755), os.WriteFile(hosts, text, 0o644))
}
