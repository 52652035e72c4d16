package advisory_test

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/example/microscanner-frontend/scanner/advisory"
	"github.com/example/microscanner-frontend/scanner/severity"
)

// full is a record with every field set.
func full() advisory.Record {
	return advisory.Record{
		ID: "CVE-2024-0001", Distro: "rhel", Release: "9", Package: "nodejs", Kind: advisory.Binary,
		Status: advisory.StatusFixed, Fixed: "1:18.0-1.el9", Severity: severity.High,
		Arches: []string{"aarch64", "x86_64"}, Module: "nodejs:18", CPEs: []string{"cpe:/a:redhat:enterprise_linux:9::appstream"},
		Aliases: []string{"GHSA-jfh8-c2jp-5v3q"}, Published: "2024-01-02", Modified: "2024-02-03",
		Description: "A <b>flaw</b> & more.", URL: "https://example.com/CVE-2024-0001?a=1&b=2",
		CVSS: &advisory.CVSS{Version: "3.1", Vector: "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", Score: 9.8, Source: "redhat"},
	}
}

func TestJSONLinesRoundTrip(t *testing.T) {
	records := []advisory.Record{full(), valid()}
	var text bytes.Buffer
	w := advisory.NewWriter(&text)
	for _, r := range records {
		require.NoError(t, w.Write(r))
	}
	assert.Equal(t, 2, strings.Count(text.String(), "\n"))
	assert.Contains(t, text.String(), "A <b>flaw</b> & more.")
	// What is not set is not there, a severity of unknown neither.
	assert.Contains(t, text.String(), `{"id":"CVE-2024-0001","distro":"debian","release":"12","package":"openssl","kind":"source","status":"fixed","fixed":"3.0.1-1"}`)

	r := advisory.NewReader(&text)
	for _, want := range records {
		got, err := r.Read()
		require.NoError(t, err)
		assert.Equal(t, want, got)
	}
	_, err := r.Read()
	assert.ErrorIs(t, err, io.EOF)
}

const line = `{"id":"cve-2024-0001","distro":"debian","release":"12","package":"openssl","kind":"source","status":"fixed","fixed":"1"}`

func TestReaderGoesOnAfterABadLine(t *testing.T) {
	long := strings.Replace(line, `"1"}`, `"1","description":"`+strings.Repeat("x", advisory.MaxLine)+`"}`, 1)
	for name, c := range map[string]struct{ bad, want string }{
		"text":            {"hello", "line 2: invalid character"},
		"array":           {"[]", "line 2: a JSON array instead of an object"},
		"wrong type":      {`{"id":1}`, "line 2: id holds a JSON number"},
		"misspelt key":    {`{"fixed_in":"1"}`, `line 2: there is no field "fixed_in"`},
		"two values":      {"{}{}", "line 2: more than one JSON value"},
		"empty record":    {"{}", "line 2: id is missing"},
		"cut off":         {line[:40], "line 2: the JSON object has no end"},
		"too long":        {long, "line 2: longer than 1048576 bytes"},
		"bad severity":    {strings.Replace(line, `"1"}`, `"1","severity":"urgent"}`, 1), `severity "urgent" is none of`},
		"bad description": {strings.Replace(line, `"1"}`, `"1","url":"x"}`, 1), "url is not"},
	} {
		t.Run(name, func(t *testing.T) {
			r := advisory.NewReader(strings.NewReader(line + "\n" + c.bad + "\n\n# a remark\n" + line))
			_, err := r.Read()
			require.NoError(t, err)
			_, err = r.Read()
			var bad *advisory.LineError
			require.ErrorAs(t, err, &bad)
			assert.ErrorContains(t, err, c.want)
			assert.Equal(t, 2, bad.Line)
			rec, err := r.Read()
			require.NoError(t, err)
			assert.Equal(t, "CVE-2024-0001", rec.ID)
			_, err = r.Read()
			assert.ErrorIs(t, err, io.EOF)
		})
	}
}

func TestReaderPassesErrorsOn(t *testing.T) {
	broken := errors.New("broken")
	r := advisory.NewReader(io.MultiReader(strings.NewReader(line+"\n"), errReader{broken}))
	_, err := r.Read()
	require.NoError(t, err)
	_, err = r.Read()
	assert.ErrorIs(t, err, broken)
}

type errReader struct{ err error }

func (e errReader) Read([]byte) (int, error) { return 0, e.err }

// FuzzReader: what is read can be written and is read the same again.
func FuzzReader(f *testing.F) {
	f.Add([]byte(line))
	f.Add([]byte(`{"id":"x","distro":"alpine","release":"","package":"p","kind":"binary","status":"fixed","fixed":"0","cvss":{"score":7.25}}`))
	f.Add([]byte("{\n#\n{}}"))
	f.Fuzz(func(t *testing.T, text []byte) {
		r := advisory.NewReader(bytes.NewReader(text))
		for {
			rec, err := r.Read()
			if errors.Is(err, io.EOF) {
				return
			}
			var bad *advisory.LineError
			if errors.As(err, &bad) {
				continue
			}
			require.NoError(t, err)
			var out bytes.Buffer
			require.NoError(t, advisory.NewWriter(&out).Write(rec))
			again, err := advisory.NewReader(&out).Read()
			require.NoError(t, err)
			assert.Equal(t, rec, again)
		}
	})
}
