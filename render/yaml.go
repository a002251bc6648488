package render

import (
	"bytes"
	"fmt"

	"github.com/trefoil-gitops/trefoil/schema"
	"sigs.k8s.io/yaml"
)

// YAML is the objects as one document each, in the given order, below a comment that says whose it is. Equal objects make
// equal bytes. Documents of Kubernetes' kinds can be applied by kubectl; a Search is a Polyaxon operation.
func YAML(objects ...Object) []byte {
	var b bytes.Buffer
	for _, o := range objects {
		text, err := yaml.Marshal(o.Body)
		if err != nil { // unreachable: a Body holds JSON values only
			text = fmt.Appendf(nil, "# %v\n", err)
		}
		of := "platform" // of no model: what the cluster has to hold for all
		if o.Model != "" {
			of = schema.Scope{Model: o.Model, Environment: o.Environment}.String()
		}
		fmt.Fprintf(&b, "---\n# %s: %s\n%s", of, o.Ref, text)
	}
	return b.Bytes()
}
