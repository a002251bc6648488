// Package trefoil is a guided tour of the code; it holds none itself.
//
// Trefoil ties three engines into one knot, with git as the only state: Polyaxon trains, Argo Workflows packages, Seldon Core
// serves. What the words mean is in docs/concepts.md.
//
// # What happens when a trial wins
//
// Follow one pass, reconcile.Loop.Once:
//
//   - It lists the remote (reconcile.Source, done by internal/gitrepo). While the branch stays where it is, the specs that were
//     loaded before are used again, and no CUE is evaluated.
//   - On a new tip schema.LoadWith turns the commit's tree into a schema.Catalog: models, releases, and findings with their place.
//     CUE is evaluated by a child process (internal/sandbox), model by model, so that a hostile one is its own concern.
//   - Both engines are observed (reconcile.Engine): internal/polyaxon lists searches and their experiments, internal/kube answers
//     from informers. What can't be asked is unknown, and never taken for absent.
//   - plan.Make decides. For a model whose search has ended it calls choose (reconcile/plan/rank.go), which ranks the
//     experiments and asks the gate. While the sha256 of the winner's artifact is unknown the plan is a plan.Fetch; in the pass
//     after it is a plan.Record.
//   - The loop puts all records of a pass into one commit (execute.go), written by schema.Amend into selected/NAME.cue and pushed
//     by compare-and-swap. Who lost the race plans again on the new tip.
//   - The pass after that sees a release without an image and plans a plan.Build, the one after the Workflow's end records the
//     image, and the next one plans a plan.Serve for every environment that follows `latest`.
//   - Where that environment has a check, plan.Make holds it and names the question (plan.Ask). The model is asked beside the passes
//     (ask.go), since it may be slow; so are the last lines of what failed read (internal/kube/tail.go). The next pass knows what came of it.
//
// The stage of a model is stored nowhere. It is read off git and the engines in every pass, so that the process may be killed
// anywhere.
//
// # What a reviewer of a pull request reads
//
// `trefoil plan --base main` reads two revisions of the repository (gitrepo.Clone) and hands them to review.Make. That takes it that
// all that the base asks for is done (plan.Done), follows the plan of the head to its end (plan.Foresee: searches have winners,
// builds succeed), and gives each step to the model that it is about, with the fields that caused it. What it says is compared with
// what the loop then does by a property (reconcile/foretold_test.go) and on the real engines (e2e/foretold_test.go).
//
// # The rooms, from the inside out
//
//   - schema: the CUE schema, and Load. It knows CUE, and nothing of the world.
//   - render: a model to the objects of the engines. Total functions: the same bytes each time.
//   - reconcile/plan: the decisions, as a value that prints itself. No clock, no log, no network.
//   - reconcile/review: what merging a change does, foretold by the same planner.
//   - reconcile: the loop, and the interfaces that it needs of the world.
//   - internal/sandbox: CUE in a process that may die of it.
//   - internal/cache: what was judged before, on disk, for commands.
//   - internal/gitrepo, internal/polyaxon, internal/kube: the world. None of them knows another; internal/memory holds their twins
//     for tests.
//   - internal/signature: who signed a commit, and signing one.
//   - internal/local: all engines on this machine, for laptops: processes, OCI layouts, loopback.
//   - internal/registry: what an image in a registry says about itself, and the login there.
//   - internal/webhook: a git server's word that something was pushed. It only means to look now.
//   - internal/canary: tests plant secrets with it, and look for them in all that people may see.
//   - internal/metrics: what is counted, for Prometheus.
//   - examples: whole spec repositories, which `trefoil init` writes; docs: the pages that `trefoil explain` prints.
//   - cmd/trefoil: the verbs, one file each. The only place that names implementations, reads TREFOIL_ variables and exits.
//
// internal/archtest keeps it that way. e2e runs the built binary against the real engines, which e2e/stack builds and starts.
package trefoil
