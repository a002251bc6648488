package review_test

import (
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
)

// TestFieldsTold makes sure that each thing that people write about a model is told in some case when it changes.
func TestFieldsTold(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	var told strings.Builder
	for _, file := range files {
		c, err := txtar.ParseFile(file)
		if err != nil {
			t.Fatal(err)
		}
		told.WriteString(section(c, "plan"))
	}
	for field := range strings.FieldsSeq(`
		owner labels.[a-z]+
		train.image train.source.path train.source.path.has.other.content train.source.git.url train.source.git.commit train.command train.params.[a-z]+
		train.search.random.experiments train.search.random.seed train.search.grid train.search.grid.experiments train.search.mapping
		train.search.concurrency train.search.matrix.[a-z]+.[a-z]+ train.artifact train.resources.limits.cpu train.resources.requests.cpu
		train.revision train.timeout train.polyaxon
		select.metric select.goal select.#gate.[a-z]+ select.then select.minimum select.by select.experiment
		package package.image package.source.path package.source.path.has.other.content package.source.git.url package.source.git.commit
		package.builder.s2i.image package.builder.buildah.dockerfile
		package.builder.buildkit.dockerfile package.credentials package.attempt package.timeout
		package.resources.limits.memory package.argo package.artifact.from.pvc.claim package.artifact.from.pvc.path package.serviceAccount
		package.gitCredentials 		package.registry.http package.registry.ca.secret package.registry.ca.configMap package.registry.ca.key
		serve.[a-z]+ serve.[a-z]+.namespace serve.[a-z]+.release serve.[a-z]+.replicas serve.[a-z]+.name serve.[a-z]+.waive
		serve.[a-z]+.resources.limits.cpu serve.[a-z]+.seldon
		selected selected.latest selected.last selected.releases.[0-9]+ selected.releases.[0-9]+.image selected.releases.[0-9]+.metrics.[a-z]+
	`) {
		if !regexp.MustCompile(`(?m)^  [a-z/]+\.cue(:\d+)*( \(before\))? ` + field + `: .+ -> .`).MatchString(told.String()) {
			t.Errorf("no case tells of %s", field)
		}
	}
}
