package main

import (
	"errors"

	"github.com/trefoil-gitops/trefoil/internal/gitrepo"
)

// accessConfig are the fields of the spec repository that say who is asking, and by what the server is known. All secrets are in files.
type accessConfig struct {
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
}

type gitHubAppConfig struct {
	ID             int64  `json:"id"`
	Installation   int64  `json:"installation"`
	PrivateKeyFile string `json:"privateKeyFile"`
	URL            string `json:"url"`
}

// credentials reads the files as they are now.
func (c accessConfig) credentials() (gitrepo.Credentials, error) {
	var all error
	read := func(field, file string) string {
		text, err := secret("repository."+field, file)
		all = errors.Join(all, err)
		return text
	}
	block := func(field, file string) []byte {
		if text := read(field, file); text != "" {
			return []byte(text + "\n") // the end of a PEM block is a line
		}
		return nil
	}
	credentials := gitrepo.Credentials{
		Username: c.Username, Password: read("passwordFile", c.PasswordFile), BearerToken: read("bearerTokenFile", c.BearerTokenFile),
		App: gitrepo.App{
			ID: c.GitHubApp.ID, Installation: c.GitHubApp.Installation, URL: c.GitHubApp.URL,
			Key: block("githubApp.privateKeyFile", c.GitHubApp.PrivateKeyFile),
		},
		Certificate:    block("clientCertificateFile", c.ClientCertificateFile),
		CertificateKey: block("clientKeyFile", c.ClientKeyFile),
		CA:             block("caFile", c.CAFile),
		SSHKey:         block("sshKeyFile", c.SSHKeyFile),
		SSHPassphrase:  read("sshKeyPassphraseFile", c.SSHKeyPassphraseFile),
		KnownHosts:     c.KnownHostsFile,
	}
	return credentials, all
}

// secretFiles are the files that nobody may see the content of.
func (c accessConfig) secretFiles() []string {
	return []string{c.PasswordFile, c.BearerTokenFile, c.GitHubApp.PrivateKeyFile, c.ClientKeyFile, c.SSHKeyFile, c.SSHKeyPassphraseFile}
}
