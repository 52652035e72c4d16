package alpine_test

import (
	"archive/zip"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/example/microscanner-frontend/scanner/advisory"
	"github.com/example/microscanner-frontend/scanner/distro/alpine"
	"github.com/example/microscanner-frontend/scanner/feed"
	"github.com/example/microscanner-frontend/scanner/internal/scantest"
)

func importAll(t testing.TB, location string) ([]string, feed.Stats, error) {
	t.Helper()
	src, err := feed.NewSource(location, feed.Options{})
	require.NoError(t, err)
	var got []string
	stats, err := alpine.Import(context.Background(), src, func(r advisory.Record) error {
		r.Normalize()
		assert.NoError(t, r.Validate())
		assert.Equal(t, "alpine", r.Distro)
		assert.Equal(t, advisory.Source, r.Kind)
		got = append(got, strings.Join([]string{r.Release, r.Package, r.ID, string(r.Status), r.Fixed, strings.Join(r.Aliases, ",")}, " "))
		return nil
	})
	return got, stats, err
}

// tree makes a directory of documents.
func tree(t testing.TB, docs map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range docs {
		path := filepath.Join(dir, filepath.FromSlash(name))
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o700))
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	}
	return dir
}

func doc(branch, name, secfixes string) string {
	return `{"distroversion":"` + branch + `","reponame":"main","archs":["x86_64"],"packages":[{"pkg":{"name":"` + name + `","secfixes":` + secfixes + `}}]}`
}

func TestTree(t *testing.T) {
	docs := map[string]string{
		"v3.10/main.json":       doc("v3.10", "openssl", `{"1.1-r0":["CVE-2019-1111"],"0":["CVE-2019-2222"]}`),
		"v3.10/community.json":  doc("v3.10", "php7", `{"7.1-r0":["CVE-2019-1111"],"7.2-r0":["CVE-2019-1111","CVE-2019-3333"]}`),
		"v3.9/main.json":        doc("v3.9", "openssl", `{"1.0":["CVE-2019-1111"]}`),
		"v3.9/community.json":   `{"distroversion":"v3.9","packages":null}`,
		"edge/community.json":   `{"distroversion":"edge","packages":null}`,
		"edge/main.json":        doc("edge", "openssl", `{"3-r0":[],"4-r0":null,"5-r0":["CVE-2024-1111"]}`),
		"last-stable/main.json": `this is not read`,
		"license.txt":           "nor is this",
	}
	want := []string{
		"3.10 openssl CVE-2019-1111 fixed 1.1-r0 ",
		"3.10 openssl CVE-2019-2222 not-affected  ",
		"3.10 php7 CVE-2019-1111 fixed 7.1-r0 ",
		"3.10 php7 CVE-2019-1111 fixed 7.2-r0 ",
		"3.10 php7 CVE-2019-3333 fixed 7.2-r0 ",
		"3.9 openssl CVE-2019-1111 fixed 1.0 ",
		"edge openssl CVE-2024-1111 fixed 5-r0 ",
	}
	dir := tree(t, docs)
	server := httptest.NewServer(http.FileServer(http.Dir(dir)))
	defer server.Close()
	for _, location := range []string{dir, server.URL, server.URL + "/"} {
		got, stats, err := importAll(t, location)
		require.NoError(t, err)
		assert.ElementsMatch(t, want, got)
		assert.Equal(t, feed.Stats{Rows: len(want)}, stats)
	}
	for _, location := range []string{filepath.Join(dir, "v3.9"), server.URL + "/v3.9", filepath.Join(dir, "v3.9/main.json"), server.URL + "/v3.9/main.json"} {
		got, _, err := importAll(t, location)
		require.NoError(t, err)
		assert.Equal(t, want[5:6], got)
	}
}

func TestMissingCommunity(t *testing.T) {
	dir := tree(t, map[string]string{
		"v3.2/main.json": doc("v3.2", "p", `{"1-r0":["CVE-2019-1111"]}`),
		"v3.3/main.json": doc("v3.3", "p", `{"1-r0":["CVE-2019-1111"]}`),
		"edge/main.json": doc("edge", "p", `{"1-r0":["CVE-2019-1111"]}`),
	})
	_, stats, err := importAll(t, dir)
	require.NoError(t, err)
	assert.Equal(t, 3, stats.Rows)
	var got []string
	for _, p := range stats.Problems {
		got = append(got, strings.TrimPrefix(p.String(), filepath.Base(dir)))
	}
	const want = ": there is no community.json: nothing will be known of the packages of that repository"
	assert.ElementsMatch(t, []string{"/v3.3" + want, "/edge" + want}, got)
	_, stats, err = importAll(t, filepath.Join(dir, "v3.3"))
	require.NoError(t, err)
	assert.Equal(t, 1, stats.Malformed)
}

func TestIDs(t *testing.T) {
	for entry, want := range map[string]string{
		"CVE-2019-1234":                            "CVE-2019-1234 ",
		"cve-2019-1234":                            "CVE-2019-1234 ",
		"CVE_2019-2426":                            "CVE-2019-2426 ",
		"CVE 2018-16859":                           "CVE-2018-16859 ",
		"CVE-2017-2616 (+ regression fix)":         "CVE-2017-2616 ",
		"CVE-2016-10013 XSA-204":                   "CVE-2016-10013 XSA-204",
		"CVE-2018-3639   XSA-263":                  "CVE-2018-3639 XSA-263",
		"CVE-2019-19451.patch":                     "CVE-2019-19451 ",
		"CVE-2017-17434-1":                         "CVE-2017-17434 ",
		"CVE-2018-3620 CVE-2018-3646 XSA-273 XPTI": "CVE-2018-3620 XSA-273|CVE-2018-3646 XSA-273",
		"CVE-2019-1234,CVE-2019-1235":              "CVE-2019-1234 |CVE-2019-1235 ",
		"CVE-2019-5060 TALOS-2019-0844":            "CVE-2019-5060 TALOS-2019-0844",
		"CVE-2024-1 GHSA-jfh8-c2jp-5v3q XSA-9":     "GHSA-jfh8-c2jp-5v3q XSA-9",
		"GHSA-jfh8-c2jp-5v3q CVE-2024-1111 XSA-9":  "CVE-2024-1111 GHSA-jfh8-c2jp-5v3q,XSA-9",
		"CVE-2018-14466 (AFS/RX)":                  "CVE-2018-14466 ",
		"CVE-2018-1111 (not CVE-2018-2222)":        "CVE-2018-1111 ",
		"(CVE-2018-1111)":                          "CVE-2018-1111 ",
		"CVE-????-?????  XSA-284":                  "XSA-284 ",
		"XSA-207":                                  "XSA-207 ",
		"ZBX-11023":                                "ZBX-11023 ",
		"CVE-2019-XXXX":                            "",
		"none":                                     "",
		"":                                         "",
	} {
		got, stats, err := importAll(t, filepath.Join(tree(t, map[string]string{
			"main.json": doc("v3.10", "p", `{"1-r0":["CVE-2000-0001","`+entry+`"]}`),
		}), "main.json"))
		require.NoError(t, err, entry)
		var ids []string
		for _, row := range got[1:] {
			ids = append(ids, strings.Replace(strings.TrimPrefix(row, "3.10 p "), "fixed 1-r0 ", "", 1))
		}
		assert.Equal(t, want, strings.Join(ids, "|"), entry)
		assert.Equal(t, want == "", stats.Malformed == 1, entry)
	}
}

func TestOneBadRecordDoesNotStopTheRest(t *testing.T) {
	for bad, want := range map[string]string{
		`1`:                                  "main.json: packages[1]: it has no name",
		`{}`:                                 "main.json: packages[1]: it has no name",
		`{"pkg":{"name":1}}`:                 "main.json: packages[1]: it has no name",
		`{"pkg":{"name":"b","secfixes":[]}}`: "main.json: packages[1]: it has no name, or its members",
		`{"pkg":{"name":"b","secfixes":{"1-r0":""}}}`:     "main.json: b/1-r0: there is no list of ids",
		`{"pkg":{"name":"b","secfixes":{"1-r0":[7]}}}`:    `main.json: b/1-r0: there is no id in "7"`,
		`{"pkg":{"name":"b","secfixes":{"1-r0":["x"]}}}`:  `main.json: b/1-r0: there is no id in "x"`,
		`{"pkg":{"name":"b","secfixes":{"1-r0":[null]}}}`: `main.json: b/1-r0: there is no id in "<nil>"`,
	} {
		one := `{"pkg":{"name":"a","secfixes":{"1-r0":["CVE-2019-1111"]}}}`
		text := `{"distroversion":"v3.10","packages":[` + one + `,` + bad + `,` + strings.ReplaceAll(one, `"a"`, `"c"`) + `]}`
		got, stats, err := importAll(t, filepath.Join(tree(t, map[string]string{"main.json": text}), "main.json"))
		require.NoError(t, err, bad)
		assert.Equal(t, []string{"3.10 a CVE-2019-1111 fixed 1-r0 ", "3.10 c CVE-2019-1111 fixed 1-r0 "}, got)
		require.Equal(t, 1, stats.Malformed, bad)
		assert.Contains(t, stats.Problems[0].String(), want)
	}
}

func TestImportRefuses(t *testing.T) {
	fine := doc("v3.10", "p", `{"1-r0":["CVE-2019-1111"]}`)
	for name, c := range map[string]struct {
		docs map[string]string
		want string
	}{
		"empty directory": {nil, "there is no main.json"},
		"empty branch":    {map[string]string{"v3.10/main.json": fine, "v3.9/x": ""}, "v3.9: there is no main.json"},
		"no main":         {map[string]string{"v3.10/main.json": fine, "v3.11/community.json": doc("v3.11", "p", `{"1-r0":["CVE-2019-1111"]}`)}, "v3.11: there is no main.json"},
		"another branch":  {map[string]string{"v3.11/main.json": fine}, "v3.11/main.json: it says that it is for the branch v3.10"},
		"unknown branch":  {map[string]string{"main.json": strings.ReplaceAll(fine, "v3.10", "../etc")}, `there is no branch "../etc"`},
		"no branch":       {map[string]string{"main.json": strings.ReplaceAll(fine, "distroversion", "x")}, "it does not say which branch"},
		"no packages":     {map[string]string{"main.json": `{"distroversion":"v3.10"}`}, "it has no packages"},
		"array":           {map[string]string{"main.json": `[]`}, "this is not a document of secdb"},
		"nothing in it":   {map[string]string{"main.json": `{"distroversion":"v3.10","packages":null}`}, "no advisory is in it"},
		"cut off":         {map[string]string{"v3.10/main.json": fine, "v3.10/community.json": fine[:60]}, "v3.10/community.json: cut off"},
		"more":            {map[string]string{"main.json": fine + fine}, "more after the end"},
		"page":            {map[string]string{"main.json": "<html>"}, "not JSON"},
	} {
		_, _, err := importAll(t, tree(t, c.docs))
		assert.ErrorContains(t, err, c.want, name)
	}
	_, _, err := importAll(t, filepath.Join(t.TempDir(), "none"))
	assert.ErrorIs(t, err, os.ErrNotExist)
}

func TestImportStopsWhenTold(t *testing.T) {
	src, err := feed.NewSource(tree(t, map[string]string{"main.json": doc("v3.10", "p", `{"1-r0":["CVE-2019-1111"]}`)}), feed.Options{})
	require.NoError(t, err)
	stop := errors.New("stop")
	_, err = alpine.Import(context.Background(), src, func(advisory.Record) error { return stop })
	assert.ErrorIs(t, err, stop)
}

func TestSharedTree(t *testing.T) {
	dir := scantest.Shared(t, "alpine/secdb-json")
	got, stats, err := importAll(t, dir)
	require.NoError(t, err)
	assert.Len(t, got, stats.Rows)
	assert.Contains(t, got, "3.6 heimdal CVE-2017-11103 fixed 7.1.0-r1 ")
	assert.Contains(t, got, "3.11 ansible CVE-2019-14904 fixed 2.9.3-r0 ")
	// One fix of heimdal in 3.6 and 3.7 has an empty text instead of a list.
	for _, p := range stats.Problems {
		assert.Contains(t, p.Reason, "there is no", p)
	}
	assert.LessOrEqual(t, stats.Malformed, 10)
}

// TestSharedSamples reads what other projects keep of the feed.
func TestSharedSamples(t *testing.T) {
	z, err := zip.OpenReader(scantest.Shared(t, "alpine/feeds-samples.zip"))
	require.NoError(t, err)
	defer func() { assert.NoError(t, z.Close()) }()
	const folder = "vuls-data-update/pkg/fetch/alpine/secdb/testdata/fixtures/"
	docs := map[string]string{}
	for _, f := range z.File {
		name, found := strings.CutPrefix(f.Name, folder)
		if !found || !strings.HasSuffix(name, ".json") {
			continue
		}
		r, err := f.Open()
		require.NoError(t, err)
		text, err := io.ReadAll(r)
		require.NoError(t, err)
		require.NoError(t, r.Close())
		docs[name] = string(text)
	}
	require.Len(t, docs, 5)
	got, stats, err := importAll(t, tree(t, docs))
	require.NoError(t, err)
	assert.Zero(t, stats.Malformed)
	assert.Contains(t, got, "edge aom CVE-2021-30473 fixed 3.1.1-r0 ")
}

func FuzzImport(f *testing.F) {
	f.Add(doc("v3.10", "p", `{"1-r0":["CVE-2019-1111 XSA-1","CVE-2019-XXXX (x)"],"0":null}`))
	f.Fuzz(func(t *testing.T, text string) {
		src, err := feed.NewSource(tree(t, map[string]string{"main.json": text}), feed.Options{})
		require.NoError(t, err)
		rows := 0
		stats, err := alpine.Import(context.Background(), src, func(r advisory.Record) error {
			rows++
			assert.NotEmpty(t, r.ID)
			assert.NotEmpty(t, r.Release)
			return nil
		})
		if err == nil {
			assert.Equal(t, rows, stats.Rows)
		}
	})
}
