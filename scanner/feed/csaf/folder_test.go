package csaf_test

import (
	"archive/tar"
	"bytes"
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/example/microscanner-frontend/scanner/feed"
	"github.com/example/microscanner-frontend/scanner/feed/csaf"
)

// document is a document with a title, by which tests tell its versions apart.
func document(id, title string) string {
	return fmt.Sprintf(`{"document": {"category": "csaf_vex", "title": %q, "tracking": {"id": %q}}}`, title, id)
}

// archive is a tar.zst of files, by path.
func archive(t testing.TB, files map[string]string) []byte {
	t.Helper()
	var packed bytes.Buffer
	z, err := zstd.NewWriter(&packed)
	require.NoError(t, err)
	w := tar.NewWriter(z)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		require.NoError(t, w.WriteHeader(&tar.Header{Name: name, Typeflag: tar.TypeReg, Mode: 0o644, Size: int64(len(files[name]))}))
		_, err := w.Write([]byte(files[name]))
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
	require.NoError(t, z.Close())
	return packed.Bytes()
}

// site is a vendor's folder.
func site(t testing.TB) map[string]string {
	return map[string]string{
		"archive_latest.txt": "csaf_vex_2030-06-15.tar.zst\n",
		"csaf_vex_2030-06-15.tar.zst": string(archive(t, map[string]string{
			"2029/cve-2029-0001.json": document("CVE-2029-0001", "archive"),
			"2030/cve-2030-0001.json": document("CVE-2030-0001", "archive"),
			"2030/cve-2030-0002.json": document("CVE-2030-0002", "archive"),
			"2030/cve-2030-0003.json": document("CVE-2030-0003", "archive"),
			"2030/cve-2030-0004.json": document("CVE-2030-0004", "archive"),
			"2030/cve-2030-0005.json": document("CVE-2030-0005", "archive"),
			"2030/cve-2030-0006.json": `{"document": `,
			"README":                  "no document",
		})),
		"changes.csv": `"2030/cve-2030-0007.json","2030-06-17T00:00:00+00:00"
"2030/cve-2030-0002.json","2030-06-16T08:00:00+00:00"
"2030/cve-2030-0004.json","2030-06-16T07:00:00+00:00"
"2030/cve-2030-0005.json","2030-06-16T06:00:00+00:00"
"2030/cve-2030-0008.json","2030-06-15T00:00:00+00:00"
"2030/cve-2030-0001.json","2030-06-14T23:59:59+00:00"
`,
		"deletions.csv": `"2030/cve-2030-0003.json","2030-06-16T00:00:00+00:00"
"2030/cve-2030-0004.json","2030-06-16T09:00:00+00:00"
"2030/cve-2030-0005.json","2030-06-01T00:00:00+00:00"
`,
		"2030/cve-2030-0002.json": document("CVE-2030-0002", "changed"),
		"2030/cve-2030-0004.json": document("CVE-2030-0004", "changed"),
		"2030/cve-2030-0005.json": document("CVE-2030-0005", "changed"),
		"2030/cve-2030-0008.json": document("CVE-2030-0008", "changed"),
	}
}

// visit gives the titles of the documents, by id.
func visit(t testing.TB, location string) (titles map[string]string, stats feed.Stats, err error) {
	t.Helper()
	src, err := feed.NewSource(location, feed.Options{})
	require.NoError(t, err)
	titles = map[string]string{}
	err = csaf.Visit(context.Background(), src, &stats, func(_ string, doc *csaf.Document) error {
		id := doc.Meta.Tracking.ID
		require.NotContains(t, titles, id, "visited twice")
		titles[id] = doc.Meta.Title
		return nil
	})
	return titles, stats, err
}

func serve(t testing.TB, files map[string]string) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text, ok := files[strings.TrimPrefix(r.URL.Path, "/vex/")]
		if !ok {
			http.NotFound(w, r)
			return
		}
		_, _ = w.Write([]byte(text)) // the client checks what came
	}))
	t.Cleanup(s.Close)
	return s.URL + "/vex"
}

func folder(t testing.TB, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o750))
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	}
	return dir
}

// What changed since the archive was made takes the place of what is in it, and
// what was withdrawn is left out, on a server and in a copy of its folder.
func TestVisitFolder(t *testing.T) {
	for name, location := range map[string]string{"server": serve(t, site(t)), "copy": folder(t, site(t))} {
		t.Run(name, func(t *testing.T) {
			titles, stats, err := visit(t, location)
			require.NoError(t, err)
			assert.Equal(t, map[string]string{
				"CVE-2029-0001": "archive",
				"CVE-2030-0001": "archive", // changed before
				"CVE-2030-0002": "changed",
				// CVE-2030-0003 was withdrawn, CVE-2030-0004 after its change.
				"CVE-2030-0005": "changed", // after it was withdrawn
				"CVE-2030-0008": "changed", // on the day of the archive
			}, titles)
			require.Len(t, stats.Problems, 2)
			assert.Equal(t, "2030/cve-2030-0007.json: it is in the list of changes, but there is no such document", stats.Problems[0].String())
			assert.Contains(t, stats.Problems[1].String(), "2030/cve-2030-0006.json: not a CSAF document: unexpected end of JSON input")
		})
	}
}

func TestVisitWithoutLists(t *testing.T) {
	files := map[string]string{"2030/cve-2030-0001.json": document("CVE-2030-0001", "file"), "index.txt": "2030/cve-2030-0001.json"}
	for name, location := range map[string]string{
		"directory":       folder(t, files),
		"one document":    filepath.Join(folder(t, files), "2030/cve-2030-0001.json"),
		"archive":         filepath.Join(folder(t, map[string]string{"a.tar.zst": string(archive(t, files))}), "a.tar.zst"),
		"remote archive":  serve(t, map[string]string{"a.tar.zst": string(archive(t, files))}) + "/a.tar.zst",
		"remote document": serve(t, files) + "/2030/cve-2030-0001.json",
	} {
		t.Run(name, func(t *testing.T) {
			titles, stats, err := visit(t, location)
			require.NoError(t, err)
			assert.Empty(t, stats.Problems)
			assert.Equal(t, map[string]string{"CVE-2030-0001": "file"}, titles)
		})
	}
}

func TestVisitErrors(t *testing.T) {
	for name, tt := range map[string]struct {
		change map[string]string
		says   string
	}{
		"no archive named":           {map[string]string{"archive_latest.txt": "\n"}, "archive_latest.txt: it does not name an archive"},
		"archive elsewhere":          {map[string]string{"archive_latest.txt": "../x_2030-01-01.tar.zst"}, "archive_latest.txt: it does not name an archive"},
		"archive without date":       {map[string]string{"archive_latest.txt": "csaf_vex.tar.zst"}, "has no date"},
		"archive is not there":       {map[string]string{"archive_latest.txt": "csaf_vex_2030-01-01.tar.zst"}, "csaf_vex_2030-01-01.tar.zst"},
		"archive is a page":          {map[string]string{"csaf_vex_2030-06-15.tar.zst": "<html>"}, "this is not an archive of CSAF documents"},
		"archive is cut off":         {map[string]string{"csaf_vex_2030-06-15.tar.zst": site(t)["csaf_vex_2030-06-15.tar.zst"][:200]}, "csaf_vex_2030-06-15.tar.zst"},
		"changes are a page":         {map[string]string{"changes.csv": strings.Repeat("<p>\n", 20)}, "changes.csv: this is not a list of documents and dates"},
		"deletions are a page":       {map[string]string{"deletions.csv": strings.Repeat("<p>\n", 20)}, "deletions.csv: this is not a list of documents and dates"},
		"a change leaves the folder": {map[string]string{"changes.csv": strings.Repeat(`"../../etc/x.json","2030-06-17T00:00:00+00:00"`+"\n", 20)}, "changes.csv: this is not a list of documents and dates"},
	} {
		t.Run(name, func(t *testing.T) {
			files := site(t)
			maps.Copy(files, tt.change)
			_, _, err := visit(t, folder(t, files))
			require.ErrorContains(t, err, tt.says)
		})
	}
	_, _, err := visit(t, folder(t, map[string]string{"a.json": "[1]"}))
	require.ErrorContains(t, err, "there is no CSAF document in it; the first problem: a.json: not a CSAF document")
}

func TestDecode(t *testing.T) {
	for text, says := range map[string]string{
		``:                                   "unexpected end of JSON input",
		`{}`:                                 "it has no category or no tracking id",
		`{"document": {"category": 1}}`:      "document.category is a number",
		`{"document": {"category": "x"}} {}`: "invalid character",
		strings.Repeat("[", 20_000):          "exceeded max depth",
		document("X", "y") + strings.Repeat(" ", csaf.MaxDocument):                                                     "more than 67108864 bytes",
		strings.TrimSuffix(document("X", "y"), "}") + `,"vulnerabilities":[{}` + strings.Repeat(",{}", 500_000) + "]}": "more than 500000 objects",
	} {
		_, err := csaf.Decode(strings.NewReader(text))
		require.ErrorContains(t, err, says)
		var bad *csaf.MalformedError
		require.ErrorAs(t, err, &bad, "it is the document that is wrong, not the source")
	}
}

func TestProducts(t *testing.T) {
	deep := strings.Repeat(`{"branches":[`, 100) + `{"product":{"product_id":"deep"}}` + strings.Repeat(`]}`, 100)
	doc, err := csaf.Decode(strings.NewReader(`{"document": {"category": "csaf_vex", "tracking": {"id": "X"}}, "product_tree": {
		"full_product_names": [{"product_id": "a"}],
		"branches": [{"product": {"product_id": "b"}, "branches": [{"product": {"product_id": "c"}}]}, ` + deep + `]}}`))
	require.NoError(t, err)
	var ids []string
	doc.ProductTree.Products(func(p *csaf.Product) { ids = append(ids, p.ID) })
	assert.Equal(t, []string{"a", "b", "c"}, ids, "a tree deeper than any real one is cut")
}

func FuzzChanges(f *testing.F) {
	f.Add(site(f)["changes.csv"], site(f)["deletions.csv"])
	f.Add("\"a.json", "x\n,,\n\"\"")
	dir := folder(f, site(f))
	f.Fuzz(func(t *testing.T, changes, deletions string) {
		require.NoError(t, os.WriteFile(filepath.Join(dir, "changes.csv"), []byte(changes), 0o600))
		require.NoError(t, os.WriteFile(filepath.Join(dir, "deletions.csv"), []byte(deletions), 0o600))
		titles, _, err := visit(t, dir)
		if err == nil {
			require.LessOrEqual(t, len(titles), 8, "there are not more documents")
		}
	})
}
