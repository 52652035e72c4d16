package secdb_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/example/microscanner-frontend/scanner/advisory"
	"github.com/example/microscanner-frontend/scanner/feed"
	"github.com/example/microscanner-frontend/scanner/feed/secdb"
)

func document(t testing.TB, text string) *feed.Document {
	t.Helper()
	path := filepath.Join(t.TempDir(), "main.json")
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	src, err := feed.NewSource(path, feed.Options{})
	require.NoError(t, err)
	doc, err := src.Open(context.Background(), "")
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, doc.Close()) })
	return doc
}

// read reads a document and lists its records: "package id fixed aliases".
func read(t testing.TB, text string, start func(secdb.Header) error) (got []advisory.Record, stats feed.Stats, err error) {
	t.Helper()
	r := secdb.Reader{
		Start: start, Record: advisory.Record{Distro: "alpine", Release: "3.20"}, Page: "https://example.org/",
		Emit:  func(r advisory.Record) error { got = append(got, r); return nil },
		Stats: &stats,
	}
	err = r.Read(document(t, text))
	return got, stats, err
}

func TestRead(t *testing.T) {
	var header secdb.Header
	got, stats, err := read(t, `{"x":[{}],"distroversion":"v3.20","reponame":"main","packages":[
		{"pkg":{"name":"a","secfixes":{"2-r0":["CVE-2024-0001 GHSA-aaaa-bbbb-cccc","XSA-1"],"0":["CVE-2024-0002"]}}}],"reponame":7}`,
		func(h secdb.Header) error { header = h; return nil })
	require.NoError(t, err)
	assert.Equal(t, secdb.Header{Distroversion: "v3.20", Reponame: "main"}, header)
	base := advisory.Record{Distro: "alpine", Release: "3.20", Package: "a", Kind: advisory.Source, Status: advisory.StatusFixed}
	never, first, other := base, base, base
	never.ID, never.Fixed, never.URL = "CVE-2024-0002", "0", "https://example.org/CVE-2024-0002"
	first.ID, first.Fixed, first.URL, first.Aliases = "CVE-2024-0001", "2-r0", "https://example.org/CVE-2024-0001", []string{"GHSA-aaaa-bbbb-cccc"}
	other.ID, other.Fixed = "XSA-1", "2-r0"
	assert.Equal(t, []advisory.Record{never, first, other}, got)
	assert.Equal(t, feed.Stats{Rows: 3}, stats)
}

// The members of an object have no order.
func TestHeaderAfterPackages(t *testing.T) {
	var header secdb.Header
	const entry = `{"pkg":{"name":"a","secfixes":{"2-r0":["CVE-2024-0001",7]}}}`
	for _, text := range []string{
		`{"packages":[` + entry + `],"reponame":"main","distroversion":"v3.12"}`,
		`{"reponame":"main","packages":[` + entry + `],"distroversion":"v3.12"}`,
	} {
		got, stats, err := read(t, text, func(h secdb.Header) error { header = h; return nil })
		require.NoError(t, err)
		assert.Equal(t, secdb.Header{Distroversion: "v3.12", Reponame: "main"}, header)
		require.Len(t, got, 1)
		assert.Equal(t, "CVE-2024-0001", got[0].ID)
		assert.Equal(t, 1, stats.Malformed)
	}
	many := strings.Repeat(`{"pkg":{"name":"a","secfixes":{"2-r0":["`+strings.Repeat("x", 1<<20)+`"]}}},`, 65)
	got, _, err := read(t, `{"packages":[`+many+entry+`],"distroversion":"v3.12"}`, func(secdb.Header) error { return nil })
	require.ErrorContains(t, err, "too many to be kept")
	assert.Empty(t, got)
}

// A version that is there twice takes no fix away.
func TestVersionTwice(t *testing.T) {
	got, stats, err := read(t, `{"distroversion":"v3.12","packages":[
		{"pkg":{"name":"a","secfixes":{"2-r0":["CVE-2024-0001"],"1-r0":{},"2-r0":["CVE-2024-0002"]}}},
		{"pkg":{"name":"b","secfixes":[]}},{"pkg":{"name":"c","secfixes":null}}]}`, func(secdb.Header) error { return nil })
	require.NoError(t, err)
	require.Len(t, got, 2)
	assert.Equal(t, []string{"CVE-2024-0001", "CVE-2024-0002"}, []string{got[0].ID, got[1].ID})
	assert.Equal(t, 2, stats.Malformed, "an object instead of a list, a list instead of an object")
}

// TestTrap03ZeroIsNotAffected has the fixed version by which secdb says that a
// package never had the vulnerability.
func TestTrap03ZeroIsNotAffected(t *testing.T) {
	got, _, err := read(t, `{"packages":[{"pkg":{"name":"a","secfixes":{"0":["CVE-2024-0001"]}}}]}`, func(secdb.Header) error { return nil })
	require.NoError(t, err)
	require.Len(t, got, 1)
	got[0].Normalize()
	assert.Equal(t, advisory.StatusNotAffected, got[0].Status)
	assert.Empty(t, got[0].Fixed)
}

// TestTrap31WordsBesideIDs has entries as people write them.
func TestTrap31WordsBesideIDs(t *testing.T) {
	got, stats, err := read(t, `{"packages":[{"pkg":{"name":"a","secfixes":{"1-r0":[
		"CVE-2017-2616 (+ regression fix)", "CVE 2018-16859", "CVE_2019-2426", "cve-2016-10013 XSA-204", "CVE-2019-XXXX"]}}}]}`,
		func(secdb.Header) error { return nil })
	require.NoError(t, err)
	var ids []string
	for _, r := range got {
		ids = append(ids, r.ID)
	}
	assert.Equal(t, []string{"CVE-2017-2616", "CVE-2018-16859", "CVE-2019-2426", "CVE-2016-10013"}, ids)
	assert.Equal(t, []string{"XSA-204"}, got[3].Aliases)
	assert.Equal(t, 1, stats.Malformed)
}

func TestReadRefuses(t *testing.T) {
	fine := func(secdb.Header) error { return nil }
	for text, want := range map[string]string{
		`[]`:                            "this is not a document of secdb",
		`{}`:                            "it has no packages",
		`{"packages":[],"packages":[]}`: "it has packages twice",
		`{"packages":[]} {}`:            "more after the end",
		`{"packages":[`:                 "cut off",
	} {
		_, _, err := read(t, text, fine)
		assert.ErrorContains(t, err, want, text)
	}
	stop := errors.New("not this one")
	_, _, err := read(t, `{"packages":[]}`, func(secdb.Header) error { return stop })
	assert.ErrorIs(t, err, stop)
}

func FuzzRead(f *testing.F) {
	f.Add(`{"distroversion":"v3.10","packages":[{"pkg":{"name":"a","secfixes":{"1-r0":["CVE-2019-1111 XSA-1","x"],"0":null}}}]}`)
	f.Add(`{"reponame":"os","packages":null}`)
	f.Fuzz(func(t *testing.T, text string) {
		got, stats, err := read(t, text, func(secdb.Header) error { return nil })
		assert.Len(t, got, stats.Rows)
		for _, r := range got {
			assert.NotEmpty(t, r.ID)
			assert.NotEmpty(t, r.Package)
		}
		if err != nil {
			assert.NotEmpty(t, err.Error())
		}
	})
}
