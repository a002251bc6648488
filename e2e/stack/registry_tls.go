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
// too, to one user alone: with a certificate of the stack's own authority, until
// the namespaces end. The node pulls what is named by that address past it.
func (s *Stack) ServeRegistryTLS(user, password string) error {
	const plain = "http://" + RegistryAddress
	to, err := url.Parse(plain)
	if err != nil {
		return err
	}
	registry := httputil.NewSingleHostReverseProxy(to)
	own := s.path("apiserver") // the API server's certificate is good for all of this address
	_, err = listenAt(RegistryTLSAddress, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if name, word, _ := r.BasicAuth(); name != user || word != password {
			w.Header().Set("WWW-Authenticate", `Basic realm="registry"`)
			http.Error(w, `{"errors": [{"code": "UNAUTHORIZED"}]}`, http.StatusUnauthorized)
			return
		}
		registry.ServeHTTP(w, r)
	}), filepath.Join(own, "tls.crt"), filepath.Join(own, "tls.key"))
	if err != nil {
		return err
	}
	hosts := nodeFile("registries/" + RegistryTLSAddress + "/hosts.toml")
	text := fmt.Appendf(nil, "server = %q\n\n[host.%q]\ncapabilities = [\"pull\", \"resolve\"]\n", "https://"+RegistryTLSAddress, plain)
	return errors.Join(os.MkdirAll(filepath.Dir(hosts), 0o755), os.WriteFile(hosts, text, 0o644))
}
