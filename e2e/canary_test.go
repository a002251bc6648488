//go:build e2e

package e2e

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// canary is a secret that is found wherever it goes: its core is letters and digits, which most encodings leave as they are.
type canary struct{ name, core, secret string }

func newCanary(name string) canary {
	core := rand.Text()
	return canary{name, core, core + `/+"&<%='` + core[:4]}
}

// leaks says which canaries are in which texts, whatever they were turned into on their way. It quotes none.
func leaks(texts map[string]string, canaries []canary) []string {
	var all []string
	for _, c := range canaries {
		pattern := c.pattern()
		for _, name := range slices.Sorted(maps.Keys(texts)) {
			if at := pattern.FindStringIndex(texts[name]); at != nil {
				all = append(all, fmt.Sprintf("%s in %s, at %d", c.name, name, at[0]))
			}
		}
	}
	return all
}

func (c canary) pattern() *regexp.Regexp {
	var forms []string
	for _, form := range c.forms() {
		forms = append(forms, regexp.QuoteMeta(form))
	}
	return regexp.MustCompile(strings.Join(forms, "|"))
}

// forms are what the core may have become.
func (c canary) forms() []string {
	bytes := []byte(c.core)
	all := []string{
		c.core, strings.ToLower(c.core), hex.EncodeToString(bytes), strings.ToUpper(hex.EncodeToString(bytes)),
		each(bytes, "%%%02x"), each(bytes, "%%%02X"), each(bytes, `\u00%02x`), each(bytes, `\u00%02X`), each(bytes, `\x%02x`), each(bytes, "&#%d;"),
		strings.TrimSpace(each(bytes, "%d ")), strings.TrimSuffix(each(bytes, "%d,"), ","),
	}
	for before := range 3 { // how many bytes of the group of three are somebody else's
		for _, encoding := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
			text := encoding.EncodeToString([]byte(strings.Repeat("x", before) + c.core))
			all = append(all, text[(before*8+5)/6:(before+len(c.core))*8/6])
		}
	}
	return all
}

func each(bytes []byte, format string) string {
	var b strings.Builder
	for _, x := range bytes {
		fmt.Fprintf(&b, format, x)
	}
	return b.String()
}

// TestCanariesAreFound plants a canary in each form among much text, and has it found.
func TestCanariesAreFound(t *testing.T) {
	c := newCanary("planted")
	quiet := map[string]string{"a log": strings.Repeat("planning on commit=0a99611\n", 100), "an object": `{"kind": "Secret", "data": {}}`}
	if found := leaks(quiet, []canary{c, newCanary("another")}); len(found) > 0 {
		t.Fatalf("found where nothing is: %v", found)
	}
	planted := c.forms()
	for before := range 4 {
		text := []byte(strings.Repeat("u", before) + ":" + c.secret + "@host")
		planted = append(planted, base64.StdEncoding.EncodeToString(text), base64.URLEncoding.EncodeToString(text), hex.EncodeToString(text),
			fmt.Sprintf("%q", text), each(text, "%d "))
	}
	for _, form := range planted {
		loud := maps.Clone(quiet)
		loud["a log"] += "error: " + form + "\n" + quiet["a log"]
		if found := leaks(loud, []canary{c}); len(found) != 1 {
			t.Errorf("%s is found as %v", form, found)
		}
	}
}
