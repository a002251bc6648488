// Command trefoil makes Polyaxon, Argo Workflows and Seldon Core follow a git repository of models, and commits back what it
// finds out. `trefoil help` lists the verbs; each has a file of its own in this folder.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"

	"github.com/trefoil-gitops/trefoil/schema"
)

func main() {
	a := &app{out: os.Stdout, err: os.Stderr, screen: canvasOf(os.Stdout), env: os.LookupEnv}
	a.collect(400) // most commands end before it would pay to look for memory that nobody uses
	var err error
	if a.evaluate, a.lasting, a.kept.store, err = evaluators(a.env); err != nil {
		fmt.Fprintln(os.Stderr, "trefoil:", err)
		os.Exit(1)
	}
	os.Exit(a.run(context.Background(), os.Args[1:]))
}

// app is what the verbs share: the streams, the environment, who evaluates CUE, and the flags that all of them know.
type app struct {
	out, err io.Writer
	screen   canvas // that out is; of no width where it is none
	env      func(string) (string, bool)
	evaluate schema.Evaluator
	lasting  schema.Evaluator // in place of evaluate, for the command that goes on; nil has none
	memory   schema.Memory    // of what was loaded
	kept     kept             // of what other commands loaded
	flags    flags
}

// collect sets how much memory may be unused, in percent of what is used, unless GOGC says so.
func (a *app) collect(percent int) {
	if _, set := a.env("GOGC"); !set {
		debug.SetGCPercent(percent)
	}
}

// exit is an error that ends the process with a code of its own. Without a cause nothing is printed.
type exit struct {
	code  int
	cause error
}

func (e exit) Error() string {
	if e.cause == nil {
		return fmt.Sprintf("exit code %d", e.code)
	}
	return e.cause.Error()
}

func (e exit) Unwrap() error { return e.cause }

// run runs one command line and returns the exit code.
func (a *app) run(ctx context.Context, args []string) int {
	// net/http tells the standard logger what a server sends beyond its replies, and that may be what it was sent: a token.
	log.SetOutput(io.Discard)
	root := a.root()
	root.SetArgs(args)
	root.SetOut(a.out)
	root.SetErr(a.err)
	cmd, err := root.ExecuteContextC(ctx)
	if err == nil {
		return 0
	}
	code := exit{code: 1, cause: err}
	if cmd.Name() == "diff" {
		code.code = 2 // 1 says that there are differences
	}
	errors.As(err, &code)
	if code.cause != nil {
		fmt.Fprintf(a.err, "trefoil: %s\n", strings.TrimSpace(code.cause.Error()))
	}
	return code.code
}

func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "trefoil",
		Short: "Git-driven training, packaging and serving of models",
		Long: "Trefoil ties Polyaxon (training), Argo Workflows (packaging) and Seldon Core (serving) into one knot, with git as the\n" +
			"only state: people change models.cue, the engines follow, and what was found out is committed back.",
		SilenceErrors:     true,
		SilenceUsage:      true,
		PersistentPreRunE: func(verb *cobra.Command, _ []string) error { return a.flags.check(verb) },
	}
	a.flags.add(root.PersistentFlags())
	_ = root.RegisterFlagCompletionFunc("output", completeOutput) // the flag is there
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return fmt.Errorf("%w (see %s --help)", err, cmd.CommandPath())
	})
	root.AddCommand(a.validate(), a.explain(), a.render(), a.plan(), a.diff(), a.daemon(), a.status(), a.history(), a.retry(), a.why())
	root.AddCommand(a.init(), a.demo(), a.predict(), a.version(), a.child())
	return root
}

// noWords refuses words after a verb that takes none.
func noWords(cmd *cobra.Command, words []string) error {
	if len(words) > 0 {
		return fmt.Errorf("%s takes flags only, not %q", cmd.CommandPath(), words[0])
	}
	return nil
}

// one refuses all but one word after a verb, which is what it takes.
func one(what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, words []string) error {
		if len(words) != 1 {
			return fmt.Errorf("%s takes %s, not %d", cmd.CommandPath(), what, len(words))
		}
		return nil
	}
}
