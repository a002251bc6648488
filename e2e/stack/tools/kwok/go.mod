// Pins what e2e/stack builds from it; a module of its own because its versions clash with the others'.
module github.com/trefoil-gitops/trefoil/e2e/stack/tools/kwok

go 1.26.0

require sigs.k8s.io/kwok v0.8.0


tool (
	sigs.k8s.io/kwok/cmd/kwok
)
