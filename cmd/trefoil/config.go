package main

import (
	"cmp"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/pflag"
	"sigs.k8s.io/yaml"

	"github.com/trefoil-gitops/trefoil/render"
)

// config is trefoil.yaml. docs/configuration.md describes it; a flag or a TREFOIL_ variable of the flag's name goes before it.
type config struct {
	Repository repositoryConfig `json:"repository"`
	Poll       duration         `json:"poll"`
	Listen     string           `json:"listen"`
	Webhook    webhookConfig    `json:"webhook"`
	Polyaxon   polyaxonConfig   `json:"polyaxon"`
	Kubernetes kubernetesConfig `json:"kubernetes"`
	Workflows  workflowsConfig  `json:"workflows"`
	Fuses      fusesConfig      `json:"fuses"`
	Local      localConfig      `json:"local"`
}

type repositoryConfig struct {
	URL    string `json:"url"`
	Branch string `json:"branch"`
	// CommitTo is a branch for what is recorded, which people merge.
	CommitTo string       `json:"commitTo"`
	Path     string       `json:"path"`
	Author   authorConfig `json:"author"`
	// Committer is the author where it is not named.
	Committer authorConfig `json:"committer"`
	Subject   string       `json:"subject"`

	// Who is asking, and by what the server is known.
	Username              string          `json:"username"`
	PasswordFile          string          `json:"passwordFile"`
	BearerTokenFile       string          `json:"bearerTokenFile"`
	GitHubApp             gitHubAppConfig `json:"githubApp"`
	ClientCertificateFile string          `json:"clientCertificateFile"`
	ClientKeyFile         string          `json:"clientKeyFile"`
	CAFile                string          `json:"caFile"`
	SSHKeyFile            string          `json:"sshKeyFile"`
	SSHKeyPassphraseFile  string          `json:"sshKeyPassphraseFile"`
	KnownHostsFile        string          `json:"knownHostsFile"`

	Signing signingConfig `json:"signing"`
	Trust   trustConfig   `json:"trust"`
}

type authorConfig struct {
	Name  string `json:"name"`
	Email string `json:"email"`
}

type polyaxonConfig struct {
	URL           string `json:"url"`
	Owner         string `json:"owner"`
	Project       string `json:"project"`
	TokenFile     string `json:"tokenFile"`
	GitConnection string `json:"gitConnection"`
}

type kubernetesConfig struct {
	Kubeconfig string `json:"kubeconfig"`
	Context    string `json:"context"`
	// Ingress is the URL before /seldon/NAMESPACE/NAME.
	Ingress string `json:"ingress"`
}

type workflowsConfig struct {
	Namespace      string       `json:"namespace"`
	ServiceAccount string       `json:"serviceAccount"`
	Images         imagesConfig `json:"images"`
	GitCredentials string       `json:"gitCredentials"`
	PolyaxonToken  string       `json:"polyaxonToken"`
}

type imagesConfig struct {
	Fetch    string `json:"fetch"`
	Git      string `json:"git"`
	Build    string `json:"build"`
	BuildKit string `json:"buildkit"`
}

// localConfig is for this machine as an engine.
type localConfig struct {
	Base string `json:"base"`
	Push bool   `json:"push"`
}

type fusesConfig struct {
	Deletions          int `json:"deletions"`
	ExperimentsPerHour int `json:"experimentsPerHour"`
	CommitsPerHour     int `json:"commitsPerHour"`
}

// duration is a time.Duration that is written "15s".
type duration time.Duration

func (d *duration) UnmarshalText(text []byte) error {
	v, err := time.ParseDuration(string(text))
	if err != nil {
		return fmt.Errorf("%q is no length of time; write it like 15s", text)
	}
	*d = duration(v)
	return nil
}

func (d duration) String() string { return time.Duration(d).String() }

// defaults are what holds where neither file nor environment nor flag says anything.
func defaults() config {
	return config{
		Repository: repositoryConfig{
			Branch: "main",
			Author: authorConfig{"Trefoil", "trefoil@localhost"},
		},
		Poll:     duration(15 * time.Second),
		Polyaxon: polyaxonConfig{Owner: "default", Project: "trefoil"},
		Workflows: workflowsConfig{
			Namespace: "argo",
			Images: imagesConfig{
				Fetch: "alpine:3.22", Git: "alpine/git:2.49.1", Build: "quay.io/buildah/stable:v1.41.4",
				BuildKit: "moby/buildkit:v0.34.2-rootless",
			},
		},
		Fuses: fusesConfig{Deletions: 5, ExperimentsPerHour: 200, CommitsPerHour: 20},
	}
}

// override binds the flags that go over the file; their defaults are what c holds already.
func (c *config) override(f *pflag.FlagSet) {
	f.StringVar(&c.Repository.URL, "repo", c.Repository.URL, "`URL` of the spec repository (https, ssh or file)")
	f.StringVar(&c.Repository.Branch, "ref", c.Repository.Branch, "`branch` of the spec repository")
	f.StringVar(&c.Repository.CommitTo, "commit-to", c.Repository.CommitTo, "`branch` for what is recorded, which people merge; without it the one of --ref")
	f.StringVar(&c.Repository.Path, "path", c.Repository.Path, "`folder` of the repository that holds the specs")
	f.DurationVar((*time.Duration)(&c.Poll), "poll", time.Duration(c.Poll), "how often the repository is looked at")
	f.StringVar(&c.Listen, "listen", c.Listen, "`address` such as 127.0.0.1:8080 for /healthz, /readyz and /metrics; none by default")
	f.StringVar(&c.Webhook.Listen, "webhook-listen", c.Webhook.Listen, "`address` such as 127.0.0.1:8081 for webhooks; none by default")
	f.StringVar(&c.Polyaxon.URL, "polyaxon-url", c.Polyaxon.URL, "`URL` of the Polyaxon API, as pods reach it too")
	f.StringVar(&c.Polyaxon.Owner, "polyaxon-owner", c.Polyaxon.Owner, "owner of the Polyaxon project")
	f.StringVar(&c.Polyaxon.Project, "polyaxon-project", c.Polyaxon.Project, "Polyaxon project for searches, made when missing")
	f.StringVar(&c.Kubernetes.Kubeconfig, "kubeconfig", c.Kubernetes.Kubeconfig, "kubeconfig `file`; without it KUBECONFIG, ~/.kube/config, the pod's own account")
	f.StringVar(&c.Kubernetes.Context, "context", c.Kubernetes.Context, "`name` of the kubeconfig context; without it the current one")
	f.StringVar(&c.Workflows.Namespace, "workflow-namespace", c.Workflows.Namespace, "namespace where Workflows run and claims are kept")
	f.StringVar(&c.Workflows.ServiceAccount, "workflow-service-account", c.Workflows.ServiceAccount, "service account of Workflow pods")
	f.IntVar(&c.Fuses.Deletions, "max-deletions", c.Fuses.Deletions, "objects that one pass may delete unless retired names them")
	f.IntVar(&c.Fuses.ExperimentsPerHour, "max-experiments-per-hour", c.Fuses.ExperimentsPerHour, "experiments that may be started in an hour")
	f.IntVar(&c.Fuses.CommitsPerHour, "max-commits-per-hour", c.Fuses.CommitsPerHour, "commits about one model that may be made in an hour")
}

// config reads the file, then lets the environment and the flags that were given go over it. From then on this process may hold secrets.
func (a *app) config(given *pflag.FlagSet) (config, error) {
	c := defaults()
	if err := errors.Join(undumpable(), a.readFile(&c)); err != nil {
		return c, err
	}
	over := pflag.NewFlagSet("", pflag.ContinueOnError)
	c.override(over)
	var failed error
	over.VisitAll(func(f *pflag.Flag) {
		name := "TREFOIL_" + strings.ToUpper(strings.ReplaceAll(f.Name, "-", "_"))
		if value, ok := a.env(name); ok && value != "" {
			if err := f.Value.Set(value); err != nil {
				failed = errors.Join(failed, fmt.Errorf("%s=%s: %w", name, value, err))
			}
		}
		if flag := given.Lookup(f.Name); flag != nil && flag.Changed {
			failed = errors.Join(failed, f.Value.Set(flag.Value.String()))
		}
	})
	if failed != nil {
		return c, failed
	}
	return c, c.check()
}

// readFile decodes --config, TREFOIL_CONFIG or a trefoil.yaml in the current folder. Fields that it does not know are errors.
func (a *app) readFile(c *config) error {
	name, _ := a.env("TREFOIL_CONFIG")
	name = cmp.Or(a.flags.config, name)
	required := name != ""
	if !required {
		name = "trefoil.yaml"
	}
	text, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) && !required {
		return nil
	}
	if err != nil {
		return err
	}
	if err := yaml.UnmarshalStrict(text, c); err != nil {
		return fmt.Errorf("%s: %w", name, readable(err))
	}
	return nil
}

// settings are what rendering needs of the configuration.
func (c config) settings() render.Settings {
	return render.Settings{
		Repository: c.Repository.URL, Path: c.Repository.Path, Owner: c.owner(),
		Polyaxon: render.Polyaxon{
			URL: strings.TrimSuffix(c.Polyaxon.URL, "/"), Owner: c.Polyaxon.Owner, Project: c.Polyaxon.Project,
			GitConnection: c.Polyaxon.GitConnection,
		},
		Workflows: render.Workflows{
			Namespace: c.Workflows.Namespace, ServiceAccount: c.Workflows.ServiceAccount,
			Images:         render.Images(c.Workflows.Images),
			GitCredentials: c.Workflows.GitCredentials, PolyaxonToken: c.Workflows.PolyaxonToken,
		},
	}
}

// owner tells this repository, branch and folder from others that live in the same engines.
func (c config) owner() string {
	place := strings.TrimSuffix(strings.TrimSuffix(sameServer(c.Repository.URL), "/"), ".git")
	return fmt.Sprintf("r-%.8x", sha256.Sum256([]byte(place+"\n"+c.Repository.Branch+"\n"+c.Repository.Path)))
}

// sameServer is a URL as others write it who mean the same server: its name in small letters, without the port that goes without saying.
func sameServer(text string) string {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" {
		return text
	}
	u.Host = strings.ToLower(u.Host)
	if port := map[string]string{"https": "443", "http": "80", "ssh": "22"}[u.Scheme]; u.Port() == port {
		u.Host = strings.TrimSuffix(u.Host, ":"+port)
	}
	return u.String()
}

// secret reads the file that a field names; no name is an empty secret.
func secret(field, file string) (string, error) {
	if file == "" {
		return "", nil
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return "", fmt.Errorf("%s: %w", field, unnamed(file, err))
	}
	value := strings.TrimSpace(string(text))
	if value == "" {
		return "", fmt.Errorf("%s: %s is empty", field, file)
	}
	return value, nil
}

// unnamed is why a file of secrets can't be read. Its name is told where it can be nothing else: people write the secret itself in its
// place.
func unnamed(file string, err error) error {
	if failed, ok := errors.AsType[*fs.PathError](err); ok && !filepath.IsAbs(file) {
		return fmt.Errorf("%w (the name of the file is not told: it begins with no /, so it may be the secret itself)", failed.Err)
	}
	return err
}
