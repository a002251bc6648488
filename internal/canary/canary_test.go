package canary

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// quiet are texts without a secret.
func quiet() map[string]string {
	return map[string]string{"a log": strings.Repeat("planning on commit=0a99611\n", 100), "an object": `{"kind": "Secret", "data": {}}`}
}

// found wants that a canary is found in a form, among much text, and that nothing quotes it.
func found(t *testing.T, c Canary, form string) {
	t.Helper()
	loud := quiet()
	loud["a log"] += "error: " + form + "\n" + loud["a log"]
	if got := Leaks(loud, []Canary{New("another"), c}); !slices.Equal(got, []string{c.Name + " in a log"}) {
		t.Errorf("%s is found as %v", form, got)
	}
}

// TestCanariesAreFound plants a canary in each form among much text, and has it found.
func TestCanariesAreFound(t *testing.T) {
	c := New("planted")
	if all := Leaks(quiet(), []Canary{c, New("another")}); len(all) > 0 {
		t.Fatalf("found where nothing is: %v", all)
	}
	for _, form := range c.Forms() {
		found(t, c, form)
	}
	quoted, err := json.Marshal(c.Secret)
	if err != nil {
		t.Fatal(err)
	}
	found(t, c, string(quoted))
	found(t, c, url.QueryEscape(url.QueryEscape(c.Secret)))
	for before := range 4 {
		text := []byte(strings.Repeat("u", before) + ":" + c.Secret + "@host")
		for _, form := range []string{
			base64.StdEncoding.EncodeToString(text), base64.URLEncoding.EncodeToString(text), hex.EncodeToString(text), fmt.Sprintf("%q", text),
			fmt.Sprintf("%d", text), fmt.Sprintf("%#x", text), fmt.Sprintf("% x", text), each(text, "%d "),
		} {
			found(t, c, form)
		}
	}
}

// TestKeysAreFound knows a key by its private part, whatever its file looks like.
func TestKeysAreFound(t *testing.T) {
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	c := Of("key", string(private.Seed()))
	text := string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: append(make([]byte, 20), der...)}))
	quoted, err := json.Marshal(text)
	if err != nil {
		t.Fatal(err)
	}
	for _, form := range []string{
		text, string(quoted), strings.ReplaceAll(text, "\n", "\r\n"), fmt.Sprintf("%d", private), fmt.Sprintf("%v", [][]byte{der}), string(der),
	} {
		found(t, c, form)
	}
}

// TestFiles finds what lies in a folder, wherever.
func TestFiles(t *testing.T) {
	dir, c := t.TempDir(), New("planted")
	if err := os.MkdirAll(filepath.Join(dir, "a", "b"), 0o700); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"x": "nothing", "a/b/y": c.Secret} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	all, err := Files(dir)
	if err != nil || len(all) != 2 {
		t.Errorf("%d files, %v", len(all), err)
	}
	want := []string{"planted in " + filepath.Join(dir, "a/b/y")}
	if got := Leaks(all, []Canary{c}); !slices.Equal(got, want) {
		t.Errorf("found are %v", slices.Collect(maps.Keys(all)))
	}
	if _, err := Files(filepath.Join(dir, "nowhere")); err == nil {
		t.Error("a folder that is not there is searched")
	}
}
