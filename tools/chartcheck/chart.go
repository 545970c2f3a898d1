// Package chartcheck renders the Helm chart as `helm template` does and decodes the manifests as the Kubernetes API server would.
package chartcheck

import (
	"bytes"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/engine"
	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"
)

// release is the name under which the chart is rendered.
const release = "scalegraph"

// Render returns the manifests of the chart in dir with these values on top of its own, one YAML document a resource, ordered by template
// name. Values that the chart's schema rejects are an error.
func Render(dir string, values map[string]any) (string, error) {
	chart, err := loader.Load(dir)
	if err != nil {
		return "", err
	}
	options := chartutil.ReleaseOptions{Name: release, Namespace: "default", IsInstall: true}
	all, err := chartutil.ToRenderValues(chart, values, options, chartutil.DefaultCapabilities)
	if err != nil {
		return "", err
	}
	files, err := engine.Render(chart, all)
	if err != nil {
		return "", err
	}
	var out strings.Builder
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if path.Ext(name) == ".yaml" && strings.TrimSpace(files[name]) != "" {
			fmt.Fprintf(&out, "---\n%s\n", strings.TrimSpace(files[name]))
		}
	}
	return out.String(), nil
}

// serviceMonitor is the part of the Prometheus operator's resource that the chart uses.
type serviceMonitor struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`
	Spec              struct {
		Selector  metav1.LabelSelector `json:"selector"`
		Endpoints []struct {
			Port     string `json:"port"`
			Interval string `json:"interval"`
		} `json:"endpoints"`
	} `json:"spec"`
}

// Decode reads manifests strictly: an unknown kind, an unknown field and a repeated key are errors. It returns the objects by kind and name.
func Decode(manifests string) (map[string]any, error) {
	objects := map[string]any{}
	for document := range strings.SplitSeq(manifests, "\n---\n") {
		document = strings.TrimPrefix(document, "---\n")
		var meta struct {
			metav1.TypeMeta   `json:",inline"`
			metav1.ObjectMeta `json:"metadata"`
		}
		if err := yaml.Unmarshal([]byte(document), &meta); err != nil {
			return nil, err
		}
		object, err := newObject(meta.TypeMeta)
		if err != nil {
			return nil, err
		}
		if err := yaml.UnmarshalStrict([]byte(document), object); err != nil {
			return nil, fmt.Errorf("%s %s: %w", meta.Kind, meta.Name, err)
		}
		objects[meta.Kind+"/"+meta.Name] = object
	}
	return objects, nil
}

func newObject(t metav1.TypeMeta) (any, error) {
	switch t.APIVersion + " " + t.Kind {
	case "v1 ConfigMap":
		return new(corev1.ConfigMap), nil
	case "v1 Service":
		return new(corev1.Service), nil
	case "apps/v1 Deployment":
		return new(appsv1.Deployment), nil
	case "policy/v1 PodDisruptionBudget":
		return new(policyv1.PodDisruptionBudget), nil
	case "autoscaling/v2 HorizontalPodAutoscaler":
		return new(autoscalingv2.HorizontalPodAutoscaler), nil
	case "networking.k8s.io/v1 NetworkPolicy":
		return new(networkingv1.NetworkPolicy), nil
	case "networking.k8s.io/v1 Ingress":
		return new(networkingv1.Ingress), nil
	case "monitoring.coreos.com/v1 ServiceMonitor":
		return new(serviceMonitor), nil
	}
	return nil, fmt.Errorf("unexpected resource %s %s", t.APIVersion, t.Kind)
}

// trimTrailingSpace removes spaces at the ends of lines, which templates leave behind.
func trimTrailingSpace(text string) string {
	var out bytes.Buffer
	for line := range strings.Lines(text) {
		out.WriteString(strings.TrimRight(line, " \n") + "\n")
	}
	return out.String()
}
