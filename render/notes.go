package render

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/trefoil-gitops/trefoil/schema"
)

// notes are what the image of a release says about itself: the standard annotations, and Trefoil's own. They hold nothing but what the
// release says, so that building it twice gives one digest.
func notes(model string, r schema.Release, c checkout) map[string]string {
	all := map[string]string{
		"org.opencontainers.image.created":  "1970-01-01T00:00:00Z", // fixed, and not that of the image below
		"org.opencontainers.image.title":    model,
		"org.opencontainers.image.version":  strconv.Itoa(r.Number),
		"org.opencontainers.image.source":   c.url,
		"org.opencontainers.image.revision": c.commit,
		LabelModel:                          model,
		LabelRelease:                        strconv.Itoa(r.Number),
		AnnotationExperiment:                r.Experiment,
		AnnotationCommit:                    r.Commit,
	}
	maps.DeleteFunc(all, func(_, value string) bool { return value == "" || strings.HasPrefix(value, "file:") }) // on one machine only
	return all
}

// lined is KEY=VALUE, one a line, sorted.
func lined(values map[string]string) string {
	var lines []string
	for _, key := range slices.Sorted(maps.Keys(values)) {
		lines = append(lines, key+"="+values[key])
	}
	return strings.Join(lines, "\n")
}
