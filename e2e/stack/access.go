//go:build e2e

package stack

import (
	"crypto/rand"
	"fmt"
	"os"
	"strings"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// Users of the API server, as Write.User names them.
const (
	UserAdmin  = "admin"                                 // the stack and the tests; may do everything
	UserDaemon = "system:serviceaccount:trefoil:trefoil" // the daemon under test, with the account of deploy/
	UserArgo   = "argo"                                  // workflow-controller
	UserSeldon = "seldon"                                // the Seldon operator
	UserKwok   = "kwok"                                  // what simulates pods
	userKCM    = "kube-controller-manager"
	userKS     = "kube-scheduler"
	userNode   = "node" // the kubelet and kube-proxy of real pods
)

// access is how the API server is reached: an address and a token per user.
type access struct {
	server string // URL
	ca     []byte // PEM
	tokens map[string]string
}

// users have a token each; all but the daemon are members of system:masters.
func users() []string {
	return []string{UserAdmin, UserDaemon, UserArgo, UserSeldon, UserKwok, userKCM, userKS, userNode}
}

func newAccess(server string, ca []byte) access {
	a := access{server: server, ca: ca, tokens: make(map[string]string)}
	for _, user := range users() {
		a.tokens[user] = rand.Text()
	}
	return a
}

// writeTokens writes the API server's token file.
func (a access) writeTokens(path string) error {
	var text strings.Builder
	for _, user := range users() {
		groups := "system:masters"
		if user == UserDaemon {
			groups = "system:serviceaccounts,system:serviceaccounts:trefoil"
		}
		fmt.Fprintf(&text, "%s,%s,%s,%q\n", a.tokens[user], user, user, groups)
	}
	return os.WriteFile(path, []byte(text.String()), 0o600)
}

// config is the client configuration of one user. Its rate is not limited
// here: the tests wait for enough as it is.
func (a access) config(user string) *rest.Config {
	return &rest.Config{
		Host:            a.server,
		BearerToken:     a.tokens[user],
		TLSClientConfig: rest.TLSClientConfig{CAData: a.ca},
		QPS:             -1,
	}
}

// writeKubeconfig writes one user's kubeconfig file.
func (a access) writeKubeconfig(path, user string) error {
	const name = "stack"
	config := clientcmdapi.NewConfig()
	config.Clusters[name] = &clientcmdapi.Cluster{Server: a.server, CertificateAuthorityData: a.ca}
	config.AuthInfos[user] = &clientcmdapi.AuthInfo{Token: a.tokens[user]}
	config.Contexts[name] = &clientcmdapi.Context{Cluster: name, AuthInfo: user, Namespace: "default"}
	config.CurrentContext = name
	return clientcmd.WriteToFile(*config, path)
}
