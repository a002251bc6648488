package main

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"

	"github.com/trefoil-gitops/trefoil/internal/compare"
	"github.com/trefoil-gitops/trefoil/internal/kube"
	"github.com/trefoil-gitops/trefoil/internal/redact"
)

// mask hides secrets in what is printed of one object: what has a name like a secret, and what is in secret files of the
// configuration. That a hidden value is another one than before still shows.
type mask struct {
	clean func(string) string
	seen  map[string][]string // the values that were hidden, by what is printed of them
}

// newMask is for one more object. clean takes the secrets out that are known.
func newMask(clean func(string) string) mask { return mask{clean, map[string][]string{}} }

// field is the field with secrets hidden on both sides.
func (m mask) field(f compare.Field) compare.Field {
	name := ""
	if n := len(f.Path); n > 0 {
		name = f.Path[n-1].Name
		if n > 1 && name == "value" && f.Path[n-2].Element { // of a variable
			name = f.Path[n-2].Name
		}
	}
	if f.Cause == compare.Drift { // the value that was there first is hidden first
		f.Git = m.value(name, f.Git)
		f.Live = m.value(name, f.Live)
	} else {
		f.Live = m.value(name, f.Live)
		f.Git = m.value(name, f.Git)
	}
	return f
}

// tree is the object with secrets hidden; nil for none.
func (m mask) tree(object map[string]any) map[string]any {
	if object == nil {
		return nil
	}
	masked, _ := m.value("", object).(map[string]any)
	return masked
}

// value is a copy of a value of that name with secrets hidden.
func (m mask) value(name string, value any) any {
	switch v := value.(type) {
	case string:
		return m.text(name, v)
	case []any:
		return m.list(name, v)
	case map[string]any:
		copied := make(map[string]any, len(v))
		variable, _ := v["name"].(string)
		for key, field := range v {
			called := key
			if key == "value" && variable != "" {
				called = variable
			}
			copied[key] = m.value(called, field)
		}
		return copied
	}
	return value
}

// list hides words of a command also where the one before them says what they are.
func (m mask) list(name string, list []any) []any {
	copied := make([]any, len(list))
	for i, elt := range list {
		called := name
		if i > 0 {
			if flag, ok := list[i-1].(string); ok && strings.HasPrefix(flag, "-") && !strings.Contains(flag, "=") {
				called = flag
			}
		}
		copied[i] = m.value(called, elt)
	}
	return copied
}

func (m mask) text(name, text string) string {
	if text == "" {
		return text
	}
	shown := redact.Mark
	if !redact.Named(name) || strings.HasSuffix(strings.ToLower(name), "name") { // the name of a Secret is none
		shown = m.clean(redact.Assigned(text))
	}
	if shown == text {
		return text
	}
	key := name + "\n" + shown
	i := slices.Index(m.seen[key], text)
	if i < 0 {
		i = len(m.seen[key])
		m.seen[key] = append(m.seen[key], text)
	}
	if i == 0 {
		return shown
	}
	return fmt.Sprintf("%s (value %d)", shown, i+1)
}

// cleaner takes out of texts what is in the secret files of the configuration. It is made when it is first needed: that takes a while.
func (c config) cleaner() func(string) string {
	made := sync.OnceValue(func() func(string) string { return redact.Secrets(c.secrets()...) })
	return func(text string) string { return made()(text) }
}

// secrets are what the configuration keeps in files, whole and, of keys, line by line. Those that can't be read were told before.
func (c config) secrets() []string {
	all := c.signingSecrets()
	for _, file := range append(c.Repository.secretFiles(), c.Polyaxon.TokenFile, c.Webhook.SecretFile) {
		if text, err := os.ReadFile(file); err == nil && file != "" {
			all = append(all, parts(string(text))...)
		}
	}
	if cluster, err := kube.Config(c.Kubernetes.Kubeconfig, c.Kubernetes.Context); err == nil {
		all = append(all, parts(cluster.BearerToken)...)
		all = append(all, parts(cluster.Password)...)
		all = append(all, parts(string(cluster.KeyData))...)
	}
	return all
}

// parts are what a secret is recognised by: itself, or the lines of a key.
func parts(secret string) []string {
	const enough = 16 // characters: a shorter line of a key is not worth much, and may be anything
	lines := strings.Split(strings.TrimSpace(secret), "\n")
	if len(lines) == 1 {
		return lines
	}
	return slices.DeleteFunc(lines, func(line string) bool { return len(line) < enough || strings.HasPrefix(line, "-----") })
}
