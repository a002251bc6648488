// Package kube is the Engine over a Kubernetes cluster: Argo Workflows, SeldonDeployments, and the ConfigMaps that are claims.
//
// Reading is free of requests: informers keep what carries the labels of this repository, in all namespaces (claims in one), and
// Observe maps it to plan.Observed. A kind whose list or watch fails is Unknown until it works again; nothing is decided on half a picture.
//
// Writing trusts no cache: a create reads first, an update and a delete name the resourceVersion that was seen, and what does
// not carry our labels is never touched.
package kube
