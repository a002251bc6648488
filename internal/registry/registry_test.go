package registry_test

import (
	"context"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/name"
	served "github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/trefoil-gitops/trefoil/internal/registry"
)

// pushed is an image with labels and annotations in a registry, by its tag.
func pushed(t *testing.T, host string, labels, annotations map[string]string) (string, v1.Hash) {
	t.Helper()
	img, err := mutate.Config(empty.Image, v1.Config{Labels: labels})
	if err != nil {
		t.Fatal(err)
	}
	img = mutate.Annotations(img, annotations).(v1.Image)
	tag, err := name.NewTag(host + "/team/mnist:1")
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.Write(tag, img); err != nil {
		t.Fatal(err)
	}
	digest, err := img.Digest()
	if err != nil {
		t.Fatal(err)
	}
	return tag.String(), digest
}

func TestRead(t *testing.T) {
	server := httptest.NewServer(served.New(served.Logger(log.New(io.Discard, "", 0))))
	defer server.Close()
	host := strings.TrimPrefix(server.URL, "http://")
	tag, digest := pushed(t, host, map[string]string{"a": "label", "b": "label"}, map[string]string{"b": "annotation", "c": "annotation"})
	want := registry.Image{Digest: digest.String(), Notes: map[string]string{"a": "label", "b": "annotation", "c": "annotation"}}
	for _, image := range []string{tag, host + "/team/mnist@" + digest.String()} {
		got, err := registry.Read(t.Context(), image, false)
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%s: %v %s", image, err, diff)
		}
	}
	for image, says := range map[string]string{
		host + "/team/other:1": "there is no image " + host + "/team/other:1",
		"A B":                  `"A B" is no name of an image`,
	} {
		if _, err := registry.Read(t.Context(), image, false); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v", image, err)
		}
	}
}

// TestReadRefused asks registries that do not answer as one would like.
func TestReadRefused(t *testing.T) {
	closed := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("WWW-Authenticate", `Basic realm="r"`)
		w.WriteHeader(http.StatusUnauthorized)
	}))
	defer closed.Close()
	stranger := httptest.NewTLSServer(http.NotFoundHandler())
	defer stranger.Close()
	stranger.Config.ErrorLog = log.New(io.Discard, "", 0)
	large := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.URL.Path, "/blobs/") {
			t.Error("a configuration without end was asked for")
		}
		w.Header().Set("Content-Type", "application/vnd.oci.image.manifest.v1+json")
		_, _ = io.WriteString(w, `{"schemaVersion": 2, "config": {"size": 1000000000, "digest": "sha256:`+strings.Repeat("0", 64)+`"}, "layers": []}`)
	}))
	defer large.Close()
	for server, says := range map[*httptest.Server]string{
		closed:   "try `docker login 127.0.0.1:",
		stranger: "name its file in SSL_CERT_FILE",
		large:    "its configuration is said to have 1000000000 bytes",
	} {
		_, host, _ := strings.Cut(server.URL, "://")
		if _, err := registry.Read(t.Context(), host+"/team/mnist:1", false); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%q is not in %v", says, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := registry.Read(ctx, "127.0.0.1:1/mnist:1", false); err == nil {
		t.Error("it reads without asking")
	}
}
