// Package canary finds secrets that tests have planted, in whatever form they come out somewhere. It is for tests alone: what takes
// secrets out of texts is internal/redact, and neither knows how the other one looks for them.
package canary

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"math/big"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Canary is a secret that is found wherever it goes.
type Canary struct {
	// Name says what the secret is for. It is told, the secret never.
	Name string
	// Core is what is looked for: letters and digits, which most encodings leave as they are, or the bytes of a key. At least 12 bytes, so
	// that nothing is found by chance.
	Core string
	// Secret is what is planted: the core, and characters that every encoding writes in another way.
	Secret string
}

// New is one that nobody had before.
func New(name string) Canary {
	core := rand.Text()
	return Canary{name, core, core + `/+"&<%='` + core[:4]}
}

// Of is a secret that there is already, such as the private part of a key.
func Of(name, core string) Canary { return Canary{name, core, core} }

// Leaks says which canaries are in which texts, whatever they were turned into on their way. It quotes none.
func Leaks(texts map[string]string, canaries []Canary) []string {
	var all []string
	folded := strings.NewReplacer("\r", "", "\n", "", `\r`, "", `\n`, "") // as the lines of a key are
	for _, name := range slices.Sorted(maps.Keys(texts)) {
		lines := folded.Replace(texts[name])
		for _, c := range canaries {
			in := func(form string) bool { return strings.Contains(texts[name], form) || strings.Contains(lines, form) }
			if slices.ContainsFunc(c.Forms(), in) {
				all = append(all, c.Name+" in "+name)
			}
		}
	}
	return all
}

// Forms are what the core may have become.
func (c Canary) Forms() []string {
	raw := []byte(c.Core)
	all := []string{
		c.Core, hex.EncodeToString(raw), strings.ToUpper(hex.EncodeToString(raw)), new(big.Int).SetBytes(raw).String(), url.QueryEscape(c.Core),
		each(raw, "%%%02x"), each(raw, "%%%02X"), each(raw, `\u00%02x`), each(raw, `\u00%02X`), each(raw, `\x%02x`), each(raw, "&#%d;"),
		strings.TrimSpace(each(raw, "%d ")), strings.TrimSuffix(each(raw, "%d,"), ","), strings.TrimSuffix(each(raw, "%d, "), ", "),
		strings.TrimSuffix(each(raw, "%02x:"), ":"), strings.TrimSpace(each(raw, "%02x ")), strings.Trim(strconv.Quote(c.Core), `"`),
	}
	if utf8.ValidString(c.Core) {
		quoted, _ := json.Marshal(c.Core) // a text always can
		all = append(all, strings.ToLower(c.Core), strings.ToUpper(c.Core), string(bytes.Trim(quoted, `"`)))
	}
	for before := range 3 { // how many bytes of the group of three are somebody else's
		for _, encoding := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
			text := encoding.EncodeToString([]byte(strings.Repeat("x", before) + c.Core))
			all = append(all, text[(before*8+5)/6:(before+len(c.Core))*8/6])
		}
	}
	return all
}

// each writes a text byte by byte.
func each(raw []byte, format string) string {
	var b strings.Builder
	for _, x := range raw {
		fmt.Fprintf(&b, format, x)
	}
	return b.String()
}

// Files are the texts of all files below a folder, by their names there.
func Files(dir string) (map[string]string, error) {
	all := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		text, err := os.ReadFile(path)
		all[path] = string(text)
		return err
	})
	return all, err
}
