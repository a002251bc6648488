package gitrepo

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"
)

// secureFront serves over https, with a certificate for 127.0.0.1 and example.com, and returns that certificate.
func (s *server) secureFront(t *testing.T, change func(*tls.Config)) (front *httptest.Server, ca []byte) {
	t.Helper()
	front = httptest.NewUnstartedServer(s.handler)
	front.Config.ErrorLog = log.New(io.Discard, "", 0)
	front.TLS = &tls.Config{MinVersion: tls.VersionTLS12}
	change(front.TLS)
	front.StartTLS()
	t.Cleanup(front.Close)
	return front, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: front.Certificate().Raw})
}

func TestBearerToken(t *testing.T) {
	s := serve(t, specs())
	s.inject(func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		if r.Header.Get("Authorization") != "Bearer t0ken" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		next.ServeHTTP(w, r)
	})
	o := options(s.url)
	o.Credentials = given(Credentials{BearerToken: "t0ken"})
	repo, base := open(t, o), s.tip(t)
	if _, err := repo.Fetch(aMinute(t), base); err != nil {
		t.Error(err)
	}
	if _, err := repo.Commit(aMinute(t), base, selection("m", "x")); err != nil {
		t.Error(err)
	}
}

// certificate is one of a client, self-signed.
func certificate(t *testing.T) (cert, key []byte) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "trefoil"}, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: raw})
}

func TestClientCertificate(t *testing.T) {
	cert, key := certificate(t)
	other, _ := certificate(t)
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(cert)
	s := serve(t, specs())
	front, ca := s.secureFront(t, func(c *tls.Config) {
		c.ClientAuth, c.ClientCAs = tls.RequireAnyClientCert, pool
		c.VerifyPeerCertificate = func(raw [][]byte, _ [][]*x509.Certificate) error {
			if block, _ := pem.Decode(cert); string(raw[0]) != string(block.Bytes) {
				return fmt.Errorf("another certificate")
			}
			return nil
		}
	})
	o := options(front.URL + "/specs.git")
	o.Credentials = given(Credentials{CA: ca, Certificate: cert, CertificateKey: key})
	repo := open(t, o)
	tip, err := repo.Tip(aMinute(t))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := repo.Commit(aMinute(t), tip, selection("m", "x")); err != nil {
		t.Error(err)
	}
	o.Credentials = given(Credentials{CA: ca})
	if _, err := open(t, o).Tip(aMinute(t)); err == nil || !strings.Contains(err.Error(), "certificate required") {
		t.Errorf("Tip without a certificate = %v", err)
	}
	for _, c := range []Credentials{{Certificate: cert}, {CertificateKey: key}, {Certificate: other, CertificateKey: key}, {Certificate: key, CertificateKey: cert}} {
		o.Credentials = given(c)
		if _, err := Open(o); err == nil || !strings.Contains(err.Error(), "client certificate and its key") {
			t.Errorf("Open = %v", err)
		}
	}
}

// A bundle of authorities that was replaced counts from the next call on, and so does a certificate.
func TestCertificatesChange(t *testing.T) {
	old, _ := certificate(t)
	s := serve(t, specs())
	front, ca := s.secureFront(t, func(*tls.Config) {})
	o, c := options(front.URL+"/specs.git"), &changing{now: Credentials{CA: old}}
	o.Credentials = c.read
	repo := open(t, o)
	for _, bundle := range [][]byte{old, append(old, ca...), ca, old} {
		c.now.CA = bundle
		_, err := repo.Tip(aMinute(t))
		if trusted := bytes.Contains(bundle, ca); (err == nil) != trusted {
			t.Errorf("Tip = %v; trusted is %v", err, trusted)
		}
	}
}

// proxy is one that connects to a server, whichever was asked for, and tells which that were and who asked.
type proxy struct {
	to string

	mu    sync.Mutex
	asked []string
}

func (p *proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	p.asked = append(p.asked, r.Method+" "+r.Host+" "+r.Header.Get("Proxy-Authorization"))
	p.mu.Unlock()
	there, err := net.Dial("tcp", p.to)
	if err != nil {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	w.WriteHeader(http.StatusOK)
	here, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		there.Close()
		return
	}
	go func() { _, _ = io.Copy(there, buffered); there.Close() }()
	_, _ = io.Copy(here, there)
	here.Close()
}

// The proxy is the one of the environment, which net/http reads once for a process: so the calls are made in other processes.
func TestProxy(t *testing.T) {
	s := serve(t, specs())
	front, ca := s.secureFront(t, func(*tls.Config) {})
	p := &proxy{to: front.Listener.Addr().String()}
	between := httptest.NewServer(p)
	t.Cleanup(between.Close)
	at := strings.Replace(between.URL, "http://", "http://bob:pr0xypass@", 1)
	run := func(url string, env ...string) string {
		t.Helper()
		command := exec.Command(os.Args[0], "-test.run=^TestProxyProcess$", "-test.v")
		command.Env = append(os.Environ(), append(env, "HTTPS_PROXY="+at, "TEST_PROXY_URL="+url, "TEST_PROXY_CA="+string(ca))...)
		out, _ := command.CombinedOutput()
		return string(out)
	}
	if out := run("https://example.com/specs.git"); !strings.Contains(out, "tip is "+string(s.tip(t))) {
		t.Errorf("by way of the proxy: %s", out)
	}
	if got := fmt.Sprint(p.asked); got != "[CONNECT example.com:443 "+basic("bob", "pr0xypass")+"]" {
		t.Errorf("the proxy was asked for %s", got)
	}
	p.asked = nil
	if out := run("https://git.invalid/specs.git", "NO_PROXY=git.invalid"); !strings.Contains(out, "error is list https://git.invalid/specs.git") || len(p.asked) != 0 {
		t.Errorf("with NO_PROXY the proxy was asked for %s\n%s", p.asked, out)
	}
	for _, broken := range []string{"http://bob:pr0xypass@127.0.0.1:1", "http://bob:pr0xypass@127.0.0.1:%zz"} {
		at = broken
		if out := run("https://example.com/specs.git"); !strings.Contains(out, "error is ") || strings.Contains(out, "pr0xypass") {
			t.Errorf("I6: %s", out)
		}
	}
}

// TestProxyProcess is no test of its own: TestProxy runs it.
func TestProxyProcess(t *testing.T) {
	url := os.Getenv("TEST_PROXY_URL")
	if url == "" {
		return
	}
	o := options(url)
	o.Credentials = given(Credentials{CA: []byte(os.Getenv("TEST_PROXY_CA"))})
	tip, err := open(t, o).Tip(aMinute(t))
	fmt.Printf("tip is %s\nerror is %v\n", tip, err)
}

// Nobody's .netrc is read.
func TestNoNetrc(t *testing.T) {
	home := t.TempDir()
	write(t, home, map[string]string{".netrc": "default login bob password s3cr3t\n"})
	t.Setenv("HOME", home)
	t.Setenv("NETRC", home+"/.netrc")
	s := serve(t, specs())
	s.inject(func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		if header := r.Header.Get("Authorization"); header != "" {
			t.Errorf("I6: %s was sent", header)
		}
		next.ServeHTTP(w, r)
	})
	if _, err := open(t, options(s.url)).Tip(aMinute(t)); err != nil {
		t.Error(err)
	}
}

// TestOrigin: the port that a scheme has by itself may be written or not.
func TestOrigin(t *testing.T) {
	for text, want := range map[string]string{
		"https://git.example.com:443/x": "https://git.example.com", "https://Git.Example.com/x": "https://git.example.com",
		"http://127.0.0.1:80/x": "http://127.0.0.1", "https://git.example.com:80/x": "https://git.example.com:80", "http://[::1]:80/x": "http://[::1]",
	} {
		u, err := url.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		if got := origin(u); got != want {
			t.Errorf("%s is %s, want %s", text, got, want)
		}
	}
}
