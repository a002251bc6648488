package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/trefoil-gitops/trefoil/internal/canary"
)

// secretFields are all fields that name the file of a secret, each in a configuration that has what goes with it. The %q are for a file,
// $KEYS is the folder of keys.
var secretFields = map[string]string{
	"repository.passwordFile":             "url: 'https://127.0.0.1:1/x.git', username: bob, passwordFile: %q",
	"repository.bearerTokenFile":          "url: 'https://127.0.0.1:1/x.git', bearerTokenFile: %q",
	"repository.githubApp.privateKeyFile": "url: 'https://127.0.0.1:1/x.git', githubApp: {id: 1, installation: 2, privateKeyFile: %q}",
	"repository.clientKeyFile":            "url: 'https://127.0.0.1:1/x.git', clientCertificateFile: $KEYS/rsa.pub, clientKeyFile: %q",
	"repository.clientCertificateFile":    "url: 'https://127.0.0.1:1/x.git', clientCertificateFile: %q, clientKeyFile: $KEYS/rsa-pem",
	"repository.caFile":                   "url: 'https://127.0.0.1:1/x.git', caFile: %q",
	"repository.sshKeyFile":               "url: 'ssh://127.0.0.1:1/x.git', sshKeyFile: %q, knownHostsFile: $KEYS/hosts",
	"repository.sshKeyPassphraseFile":     "url: 'ssh://127.0.0.1:1/x.git', sshKeyFile: $KEYS/locked, sshKeyPassphraseFile: %q, knownHostsFile: $KEYS/hosts",
	"repository.signing.keyFile":          "url: 'file:///nowhere', signing: {keyFile: %q}",
	"repository.signing.passphraseFile":   "url: 'file:///nowhere', signing: {keyFile: $KEYS/locked, passphraseFile: %q}",
	"repository.trust.allowedSignersFile": "url: 'file:///nowhere', signing: {keyFile: $KEYS/rsa}, trust: {allowedSignersFile: %q}",
	"repository.trust.keyringFile":        "url: 'file:///nowhere', signing: {keyFile: $KEYS/rsa}, trust: {keyringFile: %q}",
	"polyaxon.tokenFile":                  "url: 'file:///nowhere'}, polyaxon: {url: 'http://127.0.0.1:1', tokenFile: %q",
	"kubernetes.kubeconfig":               "url: 'file:///nowhere'}, kubernetes: {kubeconfig: %q",
}

// TestI6BrokenSecrets names files of secrets that can't be used, in each field that takes one: what is said of them holds none of it, and
// names the field where there is no such file.
func TestI6BrokenSecrets(t *testing.T) {
	keys := t.TempDir()
	if err := os.CopyFS(keys, os.DirFS("../../internal/signature/testdata/keys")); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"hosts": "", "kubeconfig": kubeconfig("http://127.0.0.1:1")} {
		if err := os.WriteFile(filepath.Join(keys, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for field, config := range secretFields {
		t.Run(field, func(t *testing.T) {
			t.Parallel()
			config := strings.ReplaceAll("{repository: {"+config+"}", "$KEYS", keys)
			for name, rest := range map[string]string{"polyaxon": "url: 'http://127.0.0.1:1'", "kubernetes": "kubeconfig: " + keys + "/kubeconfig"} {
				if !strings.Contains(config, name+": {") {
					config += ", " + name + ": {" + rest + "}"
				}
			}
			b := &broken{t, t.TempDir(), config + "}"}
			for name, content := range unusable() {
				c := canary.New("the secret")
				b.refused("", name, b.file(name, content(c.Secret)), c)
			}
			c := canary.New("the secret itself in place of its file's name")
			if field != "kubernetes.kubeconfig" { // which has a flag, so it is a name
				b.refused(field, c.Name, c.Core, c)
			}
			b.refused("", "a folder", b.dir, canary.New("none"))
			b.refused(strings.TrimPrefix(field, "kubernetes."), "no file", filepath.Join(b.dir, "nowhere"), canary.New("none"))
			b.locked()
		})
	}
}

// unusable is what files of secrets hold that can't be used, none of which is a password or a token.
func unusable() map[string]func(secret string) string {
	return map[string]func(secret string) string{
		"empty":      func(string) string { return "\n" },
		"half a key": func(secret string) string { return "-----BEGIN OPENSSH PRIVATE KEY-----\n" + secret + "\n" },
		"another key": func(secret string) string {
			return "-----BEGIN PRIVATE KEY-----\n" + secret + "\n-----END PRIVATE KEY-----\n"
		},
		"half a PGP":  func(secret string) string { return "-----BEGIN PGP PRIVATE KEY BLOCK-----\n\n" + secret },
		"a long line": func(secret string) string { return secret + strings.Repeat("x", 100<<10) },
		"many lines":  func(secret string) string { return strings.Repeat("\n"+secret, 9) },
		"YAML":        func(secret string) string { return "users: " + secret + "\n" + secret + ": {x: " + secret },
		"JSON": func(secret string) string {
			return fmt.Sprintf(`{"kind": "Config", "users": [{"name": %q, "user": {"token": [%[1]q]}}]}`, secret)
		},
		"a kubeconfig": func(secret string) string {
			return fmt.Sprintf(`{"kind": "Config", "users": [{"name": "u", "user": {"client-key-data": %q}}]}`, secret)
		},
		"binary":      func(secret string) string { return "\x00\xff" + secret + "\x00" },
		"known hosts": func(secret string) string { return "git.example.com ssh-ed25519 " + secret },
		"a list":      func(secret string) string { return "a@example.com ssh-ed25519 " + secret + "\n" },
		"a certificate": func(secret string) string {
			return "-----BEGIN CERTIFICATE-----\n" + secret + "\n-----END CERTIFICATE-----\n"
		},
	}
}

// broken is a configuration with one file that can't be used.
type broken struct {
	*testing.T
	dir, config string
}

func (b *broken) file(name, text string) string {
	b.Helper()
	path := filepath.Join(b.dir, strings.ReplaceAll(name, " ", "-"))
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		b.Fatal(err)
	}
	return path
}

// refused runs a command that needs the file, looks for the secret in what it says, and for what it has to say.
func (b *broken) refused(want, what, file string, c canary.Canary) {
	b.Helper()
	config := b.file("trefoil.yaml", fmt.Sprintf(b.config, file))
	cmd := exec.CommandContext(b.Context(), "trefoil", "run", "--once", "--config", config) // in this process client-go would go on for a while
	cmd.Env = []string{"HOME=" + b.dir, promptly}
	out, err := cmd.CombinedOutput()
	if exit := new(exec.ExitError); !errors.As(err, &exit) {
		b.Errorf("%s: it goes well, or not at all: %v", what, err)
	}
	if !strings.Contains(string(out), want) {
		b.Errorf("%s: it does not say %q: %s", what, want, out)
	}
	for _, leak := range canary.Leaks(map[string]string{"what is said of " + what: string(out)}, []canary.Canary{c}) {
		b.Errorf("I6: %s", leak)
	}
}

// locked has nobody read the file.
func (b *broken) locked() {
	b.Helper()
	c := canary.New("the secret")
	file := b.file("unreadable", c.Secret)
	if err := os.Chmod(file, 0); err != nil {
		b.Fatal(err)
	}
	b.refused("", "an unreadable file", file, c)
}

// TestI6BrokenWebhookSecret is the same for the secret of webhooks, which the daemon reads when it begins to listen.
func TestI6BrokenWebhookSecret(t *testing.T) {
	b := &broken{T: t, dir: t.TempDir()}
	c := canary.New("secret")
	for what, file := range map[string]string{
		"the secret itself": c.Secret, "no file": filepath.Join(b.dir, "nowhere"), "a folder": b.dir, "an empty file": b.file("empty", "\n"),
		"many secrets": b.file("many", strings.Repeat(c.Secret+"\n", 9)), "a short one": b.file("short", c.Secret+"\n"+c.Core[:8]),
	} {
		config := defaults()
		config.Webhook = webhookConfig{"127.0.0.1:0", file}
		err := (&daemon{config: config}).hear(t.Context(), nil, nil)
		if err == nil || !strings.HasPrefix(err.Error(), "webhook.secretFile: ") {
			t.Errorf("%s: %v", what, err)
			continue
		}
		for _, leak := range canary.Leaks(map[string]string{what: err.Error()}, []canary.Canary{c}) {
			t.Errorf("I6: %s", leak)
		}
	}
}

// TestI6URLs writes secrets into URLs, where none may be: they are refused, and not repeated.
func TestI6URLs(t *testing.T) {
	key, err := filepath.Abs("../../internal/signature/testdata/keys/rsa-pem")
	if err != nil {
		t.Fatal(err)
	}
	b := &broken{T: t, dir: t.TempDir()}
	for field, config := range map[string]string{
		"repository.url":           "repository: {url: %q}",
		"repository.githubApp.url": "repository: {url: 'https://127.0.0.1:1/x', githubApp: {id: 1, installation: 2, privateKeyFile: " + key + ", url: %q}}",
		"polyaxon.url":             "{repository: {url: 'file:///nowhere'}, polyaxon: {url: %q}}",
		"repository.password":      "repository: {url: 'https://127.0.0.1:1/x.git', password: %q}",
		"repository.username":      "repository: {url: 'https://127.0.0.1:1/x.git', username: [%q]}",
	} {
		for _, form := range []string{
			"https://bob:%s@git.example.com/x", "https://%s@git.example.com/x", "https://git.example.com/x?token=%s", "git@%s:x", "%s",
		} {
			c := canary.New("secret")
			b.config = config
			b.refused("", field+" with "+form, fmt.Sprintf(form, c.Core), c)
		}
	}
}
