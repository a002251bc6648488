package render

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"time"

	"github.com/trefoil-gitops/trefoil/schema"
)

// digest is over the canonical JSON of a value from own: encoding/json sorts the keys of maps.
func digest(value any) schema.Digest {
	text, err := json.Marshal(value)
	if err != nil { // unreachable: own leaves only what JSON has
		text = fmt.Appendf(nil, "%#v", value)
	}
	sum := sha256.Sum256(text)
	return schema.Digest("v1-" + hex.EncodeToString(sum[:]))
}

// own copies a value of a model, so that a Body shares no memory with it, and leaves in it only what a Body may hold.
func own(value any) any {
	switch v := value.(type) {
	case nil, bool, string, int64:
		return v
	case int:
		return int64(v)
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return fmt.Sprint(v)
		}
		return v
	case []any:
		items := make([]any, len(v))
		for i, item := range v {
			items[i] = own(item)
		}
		return items
	case map[string]any:
		m := make(map[string]any, len(v))
		for key, field := range v {
			m[key] = own(field)
		}
		return m
	}
	return fmt.Sprint(value)
}

// seconds is a duration in whole seconds, rounded up: 0 would be no limit at all.
func seconds(d time.Duration) int64 { return int64(math.Ceil(d.Seconds())) }

// texts is a list of strings as a Body holds it.
func texts(values ...string) []any {
	items := make([]any, len(values))
	for i, v := range values {
		items[i] = v
	}
	return items
}

// fields is a map of strings as a Body holds it.
func fields(values map[string]string) map[string]any {
	m := make(map[string]any, len(values))
	for key, v := range values {
		m[key] = v
	}
	return m
}

// resources is the resources section of a container; false where none are asked for.
func resources(r schema.Resources) (map[string]any, bool) {
	section := map[string]any{}
	for key, quantities := range map[string]map[string]string{"limits": r.Limits, "requests": r.Requests} {
		if len(quantities) == 0 {
			continue
		}
		section[key] = fields(quantities)
	}
	return section, len(section) > 0
}
