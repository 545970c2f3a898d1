package chartcheck

import (
	"flag"
	"maps"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"helm.sh/helm/v3/pkg/lint"
	"helm.sh/helm/v3/pkg/lint/support"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"
)

const (
	chartDir = "../../deploy/helm/scalegraph"
	manifest = "../../deploy/kubernetes.yaml"
)

var update = flag.Bool("update", false, "write deploy/kubernetes.yaml")

// The three ways to run the server that the documentation describes.
var configurations = map[string]string{
	"demo": ``,
	"passthrough with Redis": `
settings: {UPSTREAM: "https://as.eu-west-101.myhuaweicloud.eu", REGION: eu-west-101, PROJECT: 0123456789abcdef0123456789abcdef, FRESH: 10s}
secrets: {REDIS_URL: {name: redis, key: url}, SECRET: {name: hash, key: secret}}
ingress: {enabled: true, className: nginx, host: scaling.internal, tlsSecret: scaling-tls}
serviceMonitor: {enabled: true}
`,
	"aksk with OIDC": `
settings:
  UPSTREAM: "https://as.eu-west-101.myhuaweicloud.eu"
  AUTH: aksk
  OIDC_ISSUER: "https://issuer.internal"
  OIDC_AUDIENCE: scalegraph
secrets: {AK: {name: upstream, key: ak}, SK: {name: upstream, key: sk}, CLIENT_KEYS: {name: callers, key: keys}}
autoscaling: {enabled: true, maxReplicas: 4}
networkPolicy: {metricsFrom: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: monitoring}}}]}
`,
}

func values(t *testing.T, text string) map[string]any {
	t.Helper()
	v := map[string]any{}
	if err := yaml.Unmarshal([]byte(text), &v); err != nil {
		t.Fatal(err)
	}
	return v
}

func TestChartDecodesStrictly(t *testing.T) {
	kinds := map[string][]string{
		"demo":                   {"ConfigMap", "Deployment", "NetworkPolicy", "PodDisruptionBudget", "Service"},
		"passthrough with Redis": {"ConfigMap", "Deployment", "Ingress", "NetworkPolicy", "PodDisruptionBudget", "Service", "ServiceMonitor"},
		"aksk with OIDC":         {"ConfigMap", "Deployment", "HorizontalPodAutoscaler", "NetworkPolicy", "PodDisruptionBudget", "Service"},
	}
	for name, text := range configurations {
		t.Run(name, func(t *testing.T) {
			manifests, err := Render(chartDir, values(t, text))
			if err != nil {
				t.Fatal(err)
			}
			objects, err := Decode(manifests)
			if err != nil {
				t.Fatalf("%v\n%s", err, manifests)
			}
			var got []string
			for key := range maps.Keys(objects) {
				kind, _, _ := strings.Cut(key, "/")
				got = append(got, kind)
			}
			slices.Sort(got)
			if got = slices.Compact(got); !slices.Equal(got, kinds[name]) {
				t.Errorf("it renders %v, want %v", got, kinds[name])
			}
			checkPod(t, objects["Deployment/"+release].(*appsv1.Deployment).Spec.Template.Spec)
		})
	}
}

// checkPod checks what every configuration promises: no root, no writable file system, a memory limit, and time to drain.
func checkPod(t *testing.T, pod corev1.PodSpec) {
	t.Helper()
	if !*pod.SecurityContext.RunAsNonRoot {
		t.Error("it may run as root")
	}
	for _, c := range slices.Concat(pod.Containers, pod.InitContainers) {
		if !*c.SecurityContext.ReadOnlyRootFilesystem || c.Resources.Limits.Memory().IsZero() {
			t.Errorf("container %s: its root is writable or its memory unlimited", c.Name)
		}
		for _, m := range c.VolumeMounts {
			if !slices.ContainsFunc(pod.Volumes, func(v corev1.Volume) bool { return v.Name == m.Name }) {
				t.Errorf("container %s mounts %s, which is no volume", c.Name, m.Name)
			}
		}
	}
	if *pod.TerminationGracePeriodSeconds < 40 {
		t.Errorf("%d s are not enough to drain", *pod.TerminationGracePeriodSeconds)
	}
}

func TestSecretsBecomeFilesOrVariables(t *testing.T) {
	manifests, err := Render(chartDir, values(t, configurations["aksk with OIDC"]+"\n"))
	if err != nil {
		t.Fatal(err)
	}
	objects, err := Decode(manifests)
	if err != nil {
		t.Fatal(err)
	}
	got := objects["ConfigMap/"+release].(*corev1.ConfigMap).Data
	want := map[string]string{
		"SCALEGRAPH_LISTEN": "0.0.0.0:8080", "SCALEGRAPH_ADMIN_LISTEN": "0.0.0.0:9090", "SCALEGRAPH_LOG": "json",
		"SCALEGRAPH_UPSTREAM": "https://as.eu-west-101.myhuaweicloud.eu", "SCALEGRAPH_AUTH": "aksk",
		"SCALEGRAPH_OIDC_ISSUER": "https://issuer.internal", "SCALEGRAPH_OIDC_AUDIENCE": "scalegraph",
		"SCALEGRAPH_AK_FILE": "/etc/scalegraph/upstream/ak", "SCALEGRAPH_SK_FILE": "/etc/scalegraph/upstream/sk",
		"SCALEGRAPH_CLIENT_KEYS_FILE": "/etc/scalegraph/callers/keys",
		"SCALEGRAPH_ADMIN_HOSTS":      "scalegraph-admin,scalegraph-admin.default,scalegraph-admin.default.svc,scalegraph-admin.default.svc.cluster.local",
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("settings %v, want %v", got, want)
	}
}

func TestSchemaRejects(t *testing.T) {
	for _, text := range []string{
		`replicas: 0`, `replica: 2`, `settings: {SK: abc}`, `settings: {LISTEN: ":80"}`, `secrets: {SK: {name: a}}`, `secrets: {PASSWORD: {name: a, key: b}}`,
		`service: {port: 70000}`, `ingress: {path: graphql}`,
	} {
		if _, err := Render(chartDir, values(t, text)); err == nil {
			t.Errorf("%s is accepted", text)
		}
	}
}

func TestLint(t *testing.T) {
	for name, text := range configurations {
		for _, m := range lint.All(chartDir, values(t, text), "default", true).Messages {
			if m.Severity > support.InfoSev {
				t.Errorf("%s: %v", name, m)
			}
		}
	}
}

// deploy/kubernetes.yaml is what the chart renders by default.
func TestManifestIsRendered(t *testing.T) {
	rendered, err := Render(chartDir, nil)
	if err != nil {
		t.Fatal(err)
	}
	want := "# Rendered from deploy/helm/scalegraph with its default values, for use without Helm; do not edit:\n" +
		"#   go -C tools/chartcheck test ./... -update\n" + trimTrailingSpace(rendered)
	if *update {
		if err := os.WriteFile(manifest, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(manifest)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Error("deploy/kubernetes.yaml is not what the chart renders: run the command in its first lines")
	}
}
