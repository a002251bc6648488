// Pins what e2e/stack builds from it; a module of its own because its versions clash with the others'.
module github.com/trefoil-gitops/trefoil/e2e/stack/tools/seldon

go 1.26.0

require github.com/seldonio/seldon-core/operator v1.16.0

// Upstream's own replace and exclude: a dependency's lines do not count.
replace k8s.io/client-go => k8s.io/client-go v0.24.1

exclude github.com/go-logr/logr v1.0.0

tool (
	github.com/seldonio/seldon-core/operator
)
