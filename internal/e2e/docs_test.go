package e2e

import (
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// taken finds blocks of code in a document with the file that each was taken from.
var taken = regexp.MustCompile("(?s)<!-- from (\\S+) -->\n```\\w+\n(.*?)\n```")

// What the documents show stands word for word in a file that runs.
func TestDocumentsShowWhatRuns(t *testing.T) {
	documents, err := filepath.Glob(repoFile("docs/*.md"))
	if err != nil {
		t.Fatal(err)
	}
	blocks := 0
	for _, document := range documents {
		for _, found := range taken.FindAllStringSubmatch(readFile(t, "docs/"+filepath.Base(document)), -1) {
			blocks++
			if !strings.Contains(readFile(t, found[1]), found[2]) {
				t.Errorf("%s shows what does not stand in %s:\n%s", document, found[1], found[2])
			}
		}
	}
	if blocks < 9 {
		t.Errorf("%d blocks name the file that they are from", blocks)
	}
}

func readFile(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(repoFile(name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// queriesShown finds the GraphQL documents in docs/queries.md.
var queriesShown = regexp.MustCompile("(?s)```graphql\n(.*?)\n```")

func TestQueriesOfTheDocumentsRun(t *testing.T) {
	s := startServer(t)
	found := queriesShown.FindAllStringSubmatch(readFile(t, "docs/queries.md"), -1)
	if len(found) < 3 {
		t.Errorf("docs/queries.md shows %d queries", len(found))
	}
	for _, query := range found {
		if strings.HasPrefix(query[1], "subscription") {
			continue // the real clients run them
		}
		if got := s.do(t, "GET", "/graphql?query="+url.QueryEscape(query[1]), ""); got.StatusCode != 200 || strings.Contains(got.body, `"errors"`) {
			t.Errorf("status %d\n%s\n%s", got.StatusCode, query[1], got.body)
		}
	}
}
