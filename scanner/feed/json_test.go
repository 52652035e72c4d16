package feed_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/example/microscanner-frontend/scanner/feed"
)

// walk reads an object of arrays of anything: it decodes numbers and skips the
// rest.
func walk(t testing.TB, text string) (string, error) {
	t.Helper()
	doc, err := source(t, file(t, "f.json", []byte(text)), feed.Options{}).Open(context.Background(), "")
	require.NoError(t, err)
	defer func() { assert.NoError(t, doc.Close()) }()
	j := feed.NewJSON(doc)
	var got strings.Builder
	isObject, err := j.Object(func(key string) error {
		if key == "skip" {
			return j.Skip()
		}
		isArray, err := j.Array(func(i int) error {
			n := -1
			fits, err := j.Decode(&n)
			fmt.Fprintf(&got, "%s[%d]=%d,%t ", key, i, n, fits)
			return err
		})
		if !isArray {
			fmt.Fprintf(&got, "%s ", key)
		}
		return err
	})
	if err == nil {
		err = j.Finish()
	}
	fmt.Fprint(&got, isObject)
	return got.String(), err
}

func TestJSON(t *testing.T) {
	for text, want := range map[string]string{
		`{}`:                               "true",
		`{"a":[1,"x",{"y":[2]},3],"b":[]}`: "a[0]=1,true a[1]=-1,false a[2]=-1,false a[3]=3,true true",
		`{"a":{"b":[1]},"c":null,"d":[4]}`: "a c d[0]=4,true true",
		`{"skip":[[{"a":[]}],2],"skip":1,"skip":{},"a":[5]}`: "a[0]=5,true true",
		`[1,[2],{"a":3}]`: "false",
		`null`:            "false",
		`{"skip":"` + strings.Repeat("x", 1<<20) + `"}`:                                  "true",
		`{"skip":[` + strings.Repeat(`"`+strings.Repeat("x", 1000)+`",`, 20_000) + `1]}`: "true",
	} {
		got, err := walk(t, text+" \n")
		require.NoError(t, err, "%.60s", text)
		assert.Equal(t, want, got, "%.60s", text)
	}
}

func TestJSONErrors(t *testing.T) {
	for text, want := range map[string]string{
		``:                       "f.json: cut off at byte 0",
		`{"a":[1,2`:              "f.json: cut off at byte 9",
		`{"a":[1,2]`:             "f.json: cut off at byte 10",
		`{"a":[1 2]}`:            "f.json: not JSON at byte 8",
		`{"a"}`:                  "f.json: not JSON at byte",
		`{1:2}`:                  "f.json",
		`<html>`:                 "f.json: not JSON at byte",
		`{} {}`:                  "f.json: there is more after the end of the document",
		`{"a":[1]}x`:             "f.json: there is more after the end of the document",
		strings.Repeat("[", 500): "f.json: nested more than 100 deep",
		`{"skip":"` + strings.Repeat("x", 17<<20) + `"}`: "a value of more than 16777216 bytes",
		`{"a":["` + strings.Repeat("x", 17<<20) + `"]}`:  "a value of more than 16777216 bytes",
		`{"` + strings.Repeat("x", 17<<20) + `":1}`:      "a value of more than 16777216 bytes",
	} {
		_, err := walk(t, text)
		assert.ErrorContains(t, err, want, "%.60s", text)
	}
}

func FuzzJSON(f *testing.F) {
	f.Add(`{"a":[1,"x",{"y":[2]},3],"skip":[[]]}`)
	f.Fuzz(func(t *testing.T, text string) {
		if _, err := walk(t, text); err == nil {
			// What was read to its end is one value; nothing follows it.
			_, err = walk(t, text+"{}")
			assert.Error(t, err)
		}
	})
}
