package e2e

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "update the response in the README")

const readme = "README.md"

// part is a stretch of the README between two marks.
func part(t *testing.T, text, from, to string) string {
	t.Helper()
	_, rest, found := strings.Cut(text, from)
	inside, _, ended := strings.Cut(rest, to)
	if !found || !ended {
		t.Fatalf("the README has nothing between %q and %q", from, to)
	}
	return inside
}

func readReadme(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(repoFile(readme))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func rewriteReadme(t *testing.T, was, is string) {
	t.Helper()
	if err := os.WriteFile(repoFile(readme), []byte(strings.Replace(readReadme(t), was, is, 1)), 0o644); err != nil {
		t.Fatal(err)
	}
}

// Every folder below internal has its line in docs/layout.md.
func TestLayoutNamesFolders(t *testing.T) {
	found, err := filepath.Glob(repoFile("internal/*/*.go"))
	if err != nil {
		t.Fatal(err)
	}
	text := readFile(t, "docs/layout.md")
	for _, file := range found {
		if folder := "internal/" + filepath.Base(filepath.Dir(file)); !strings.Contains(text, "| `"+folder+"/`") {
			t.Errorf("docs/layout.md does not say what %s/ is", folder)
		}
	}
}

// readmeQuery returns the query that the README's curl sends.
func readmeQuery(t *testing.T) string {
	t.Helper()
	return part(t, readReadme(t), "--data-urlencode 'query=", "'\n```")
}

func TestReadmeQuery(t *testing.T) {
	s := startServer(t)
	got := s.do(t, "GET", "/graphql?query="+url.QueryEscape(readmeQuery(t)), "")
	if got.StatusCode != 200 {
		t.Fatalf("status %d: %s", got.StatusCode, got.body)
	}
	var pretty bytes.Buffer
	if err := json.Indent(&pretty, []byte(got.body), "", "  "); err != nil {
		t.Fatal(err)
	}
	const from, to = "```json\n", "\n```"
	shown := part(t, readReadme(t), from, to)
	if *update {
		rewriteReadme(t, from+shown+to, from+pretty.String()+to)
	} else if !reflect.DeepEqual(decoded(t, shown), decoded(t, got.body)) {
		t.Errorf("the README shows another response than\n%s", &pretty)
	}
}

func TestSampleOfTheAPIDocument(t *testing.T) {
	s := startServer(t)
	got := s.do(t, "GET", "/graphql?query="+url.QueryEscape(readFile(t, "internal/e2e/testdata/sample.graphql")), "")
	compareWithSample(t, got.body)
}

// The demo answers the question why a group did not grow as the README shows, at other times and after other counts.
func TestReadmeWhyQuery(t *testing.T) {
	s := startServer(t)
	section := part(t, readReadme(t), "## Why has this group not grown since 14:00?\n", "\n## ")
	got := s.do(t, "GET", "/graphql?query="+url.QueryEscape(part(t, section, "```graphql\n", "\n```")), "")
	moments := regexp.MustCompile(`"20\d\d-[-:T0-9]+Z"|("totalCount":) ?[1-9]\d*`)
	shown := decoded(t, moments.ReplaceAllString(part(t, section, "```json\n", "\n```"), `${1}0`))
	if response := decoded(t, moments.ReplaceAllString(got.body, `${1}0`)); !reflect.DeepEqual(response, shown) {
		t.Errorf("the README shows another response than\n%s", got.body)
	}
}

func decoded(t *testing.T, text string) (v any) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return v
}

// renamed maps members of the API document's sample to fields of the schema, if the names differ in more than their style.
var renamed = map[string]string{
	"id": "logId", "instance_added_list": "addedInstances", "instance_deleted_list": "deletedInstances",
	"instance_removed_list": "removedInstances", "instance_failed_list": "failedInstances",
	"lb_bind_success_list": "boundLoadBalancers", "lb_bind_failed_list": "bindFailedLoadBalancers",
	"lb_unbind_success_list": "unboundLoadBalancers", "lb_unbind_failed_list": "unbindFailedLoadBalancers",
}

// compareWithSample checks every member of the sample response in the API document against our response.
func compareWithSample(t *testing.T, response string) {
	t.Helper()
	text, err := os.ReadFile(repoFile("upstream/emulator/sample-response.json"))
	if err != nil {
		t.Fatal(err)
	}
	var sample struct {
		Log   []any `json:"scaling_activity_log"`
		Total any   `json:"total_number"`
	}
	if err := json.Unmarshal(text, &sample); err != nil {
		t.Fatal(err)
	}
	page := member(member(member(decoded(t, response), "data"), "scalingGroup"), "activities")
	if got := member(page, "totalCount"); got != sample.Total {
		t.Errorf("totalCount is %v, want %v", got, sample.Total)
	}
	covers(t, "nodes", member(page, "nodes"), sample.Log)
}

func member(v any, name string) any {
	object, _ := v.(map[string]any)
	return object[name]
}

// covers checks that got has everything that want has.
func covers(t *testing.T, path string, got, want any) {
	t.Helper()
	switch want := want.(type) {
	case map[string]any:
		for name, value := range want {
			field := camel(name)
			covers(t, path+"."+field, member(got, field), value)
		}
	case []any:
		list, ok := got.([]any)
		if !ok || len(list) != len(want) {
			t.Errorf("%s is %v, want %d entries", path, got, len(want))
			return
		}
		for i := range want {
			covers(t, fmt.Sprintf("%s[%d]", path, i), list[i], want[i])
		}
	default:
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s is %v, want %v", path, got, want)
		}
	}
}

var underscore = regexp.MustCompile(`_[a-z]`)

func camel(name string) string {
	if field, ok := renamed[name]; ok {
		return field
	}
	return underscore.ReplaceAllStringFunc(name, func(s string) string { return strings.ToUpper(s[1:]) })
}
