package schema

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// Valid reports whether the digest has the form of one, of whatever version: "v1-" and 64 lower-case hexadecimal digits.
func (d Digest) Valid() bool {
	version, sum, _ := strings.Cut(string(d), "-")
	number, found := strings.CutPrefix(version, "v")
	_, odd := strconv.ParseUint(number, 10, 16)
	_, text := hex.DecodeString(sum)
	return found && odd == nil && text == nil && len(sum) == hex.EncodedLen(sha256.Size) && sum == strings.ToLower(sum)
}

// digestVersion is the version of the rules below. Raising it retrains every model of everyone.
const digestVersion = "v1"

// digest is over a JSON text with sorted keys, after the version and the name of what it covers.
func digest(what string, covered map[string]any) (Digest, error) {
	text, err := json.Marshal(covered)
	if err != nil {
		return "", fmt.Errorf("digest of %s: %w", what, err)
	}
	sum := sha256.Sum256([]byte("trefoil " + what + " " + digestVersion + "\n" + string(text)))
	return Digest(digestVersion + "-" + hex.EncodeToString(sum[:])), nil
}

// digests computes what a model is identified by from the normalized JSON of what people wrote. The sources are those of train
// and package, with their tree hashes.
func digests(body map[string]any, gate []Bound, train, pack Source) (Digests, error) {
	var d Digests
	var err error
	search := without(section(body, "train"), "concurrency", "resources", "timeout", "polyaxon")
	search["search"] = without(section(search, "search"), "concurrency")
	withSource(search, train)
	if d.Search, err = digest("search", search); err != nil {
		return Digests{}, err
	}
	choice := without(section(body, "select"))
	if len(gate) > 0 {
		choice["gate"] = gateList(gate)
	}
	if d.Select, err = digest("select", choice); err != nil {
		return Digests{}, err
	}
	build := without(section(body, "package"), "artifact", "credentials", "gitCredentials", "registry", "serviceAccount",
		"attempt", "timeout", "resources", "argo")
	if build["image"] == nil {
		return d, nil
	}
	withSource(build, pack)
	d.Package, err = digest("package", build)
	return d, err
}

// withSource puts the content of the code in the place of where it is.
func withSource(covered map[string]any, s Source) {
	switch {
	case s.Git != nil:
		covered["source"] = map[string]any{"commit": s.Git.Commit}
	case s.Path != "":
		covered["source"] = map[string]any{"tree": s.Tree}
	}
}

func gateList(gate []Bound) []any {
	var list []any
	for _, b := range gate {
		list = append(list, []any{b.Metric, b.Op, b.Value})
	}
	return list
}

// section is a struct of the body, empty where there is none.
func section(body map[string]any, name string) map[string]any {
	s, _ := body[name].(map[string]any)
	return s
}

// without copies a struct except for some of its fields.
func without(s map[string]any, names ...string) map[string]any {
	c := map[string]any{}
	for key, value := range s {
		c[key] = value
	}
	for _, name := range names {
		delete(c, name)
	}
	return c
}
