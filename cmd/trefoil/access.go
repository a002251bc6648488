package main

import (
	"errors"

	"github.com/trefoil-gitops/trefoil/internal/gitrepo"
)

// gitHubAppConfig is an App that logs in, in place of a password.
type gitHubAppConfig struct {
	ID             int    `json:"id"`
	Installation   int    `json:"installation"`
	PrivateKeyFile string `json:"privateKeyFile"`
	URL            string `json:"url"`
}

// credentials reads the files as they are now.
func (c repositoryConfig) credentials() (gitrepo.Credentials, error) {
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
			ID: int64(c.GitHubApp.ID), Installation: int64(c.GitHubApp.Installation), URL: c.GitHubApp.URL,
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
func (c repositoryConfig) secretFiles() []string {
	return []string{c.PasswordFile, c.BearerTokenFile, c.GitHubApp.PrivateKeyFile, c.ClientKeyFile, c.SSHKeyFile, c.SSHKeyPassphraseFile}
}
