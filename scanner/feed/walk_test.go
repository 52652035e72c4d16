package feed_test

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/example/microscanner-frontend/scanner/feed"
)

// member is a file of an archive; with a link it is a symbolic link.
type member struct{ name, text, link string }

func members() []member {
	return []member{
		{"b/2.json", "two", ""},
		{"a.json", "one", ""},
		{"../../etc/passwd", "three", ""},
		{"/c//d/./e.json", "four", ""},
		{"link.json", "", "/etc/passwd"},
	}
}

func tarred(t testing.TB, list []member) string {
	t.Helper()
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	require.NoError(t, w.WriteHeader(&tar.Header{Name: "b/", Typeflag: tar.TypeDir, Mode: 0o755}))
	for _, m := range list {
		h := &tar.Header{Name: m.name, Size: int64(len(m.text)), Mode: 0o644, Typeflag: tar.TypeReg, Linkname: m.link}
		if m.link != "" {
			h.Typeflag = tar.TypeSymlink
		}
		require.NoError(t, w.WriteHeader(h))
		_, err := io.WriteString(w, m.text)
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
	return out.String()
}

func zipped(t testing.TB, list []member) string {
	t.Helper()
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	_, err := w.Create("b/")
	require.NoError(t, err)
	for _, m := range list {
		h := &zip.FileHeader{Name: m.name, Method: zip.Deflate}
		h.SetMode(0o644)
		if m.link != "" {
			h.SetMode(0o777 | os.ModeSymlink)
		}
		f, err := w.CreateHeader(h)
		require.NoError(t, err)
		_, err = io.WriteString(f, m.text+m.link)
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
	return out.String()
}

// visited gives the files of a source, in their order.
func visited(s *feed.Source) (got []string, err error) {
	err = s.Walk(context.Background(), func(name string, r io.Reader) error {
		text, err := io.ReadAll(r)
		got = append(got, name+"="+string(text))
		return err
	})
	return got, err
}

func TestWalkArchives(t *testing.T) {
	want := []string{"b/2.json=two", "a.json=one", "etc/passwd=three", "c/d/e.json=four"}
	plain := tarred(t, members())
	for name, text := range map[string][]byte{
		"x.tar": []byte(plain), "x.tar.gz": gzipped(t, plain), "x.tar.zst": zstandard(t, plain),
		"x.zip": []byte(zipped(t, members())), "x.zip.gz": gzipped(t, zipped(t, members())),
		"misnamed.json": []byte(zipped(t, members())),
	} {
		s := source(t, file(t, name, text), feed.Options{})
		got, err := visited(s)
		require.NoError(t, err, name)
		assert.Equal(t, want, got, name)
	}
	got, err := visited(source(t, file(t, "x.zip", []byte(zipped(t, nil))), feed.Options{}))
	require.NoError(t, err)
	assert.Empty(t, got)
	got, err = visited(source(t, file(t, "x.json.bz2", bzipped(t)), feed.Options{}))
	require.NoError(t, err)
	assert.Equal(t, []string{"x.json.bz2=" + content}, got)
}

func TestWalkDirectory(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"b/x.json", "a.json", "c/d/e.json"} {
		require.NoError(t, os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o700))
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), gzipped(t, name), 0o600))
	}
	require.NoError(t, os.Symlink("/etc/passwd", filepath.Join(dir, "link.json")))
	require.NoError(t, os.Symlink("/etc", filepath.Join(dir, "linked")))
	link := filepath.Join(t.TempDir(), "link")
	require.NoError(t, os.Symlink(dir, link))
	for _, path := range []string{dir, link} {
		got, err := visited(source(t, path, feed.Options{}))
		require.NoError(t, err)
		assert.Equal(t, []string{"a.json=a.json", "b/x.json=b/x.json", "c/d/e.json=c/d/e.json"}, got)
	}
}

// The digest is of what is there, and not of what the visitor cared to read.
func TestWalkDigest(t *testing.T) {
	plain := tarred(t, members())
	digest := func(text []byte, visit func(string, io.Reader) error) string {
		s := source(t, file(t, "x", text), feed.Options{})
		require.NoError(t, s.Walk(context.Background(), visit))
		return s.Digest()
	}
	all := func(_ string, r io.Reader) error { _, err := io.Copy(io.Discard, r); return err }
	none := func(string, io.Reader) error { return nil }
	want := digest([]byte(plain), all)
	assert.Equal(t, want, digest([]byte(plain), none))
	assert.Equal(t, want, digest(gzipped(t, plain), none))
	assert.Equal(t, contentDigest, digest([]byte(content), none))
	assert.NotEqual(t, want, digest([]byte(tarred(t, members()[1:])), none))
	zip := zipped(t, members())
	assert.Equal(t, digest([]byte(zip), all), digest([]byte(zip), none))
}

func TestWalkRefuses(t *testing.T) {
	plain, zip := tarred(t, members()), zipped(t, members())
	large := []member{{"large", strings.Repeat("\x00", 3<<20), ""}, {"larger", strings.Repeat("\x00", 3<<20), ""}}
	for name, c := range map[string]struct {
		text []byte
		want string
	}{
		"cut tar":          {[]byte(plain[:700]), "x: read the archive: unexpected EOF"},
		"cut tar.gz":       {gzipped(t, plain)[:60], "x"},
		"cut zip":          {[]byte(zip[:len(zip)-30]), "x: read the archive: zip: not a valid zip file"},
		"large tar member": {[]byte(tarred(t, large)), "more than 4194304 bytes"},
		"large tar.gz":     {gzipped(t, tarred(t, large)), "more than 4194304 bytes unpacked"},
		"large zip":        {[]byte(zipped(t, large)), "x: more than 1048576 bytes in larger"},
	} {
		_, err := visited(source(t, file(t, "x", c.text), feed.Options{MaxUnpacked: 4 << 20}))
		assert.ErrorContains(t, err, c.want, name)
	}
	stop := errors.New("stop")
	for _, text := range []string{plain, zip, content} {
		err := source(t, file(t, "x", []byte(text)), feed.Options{}).Walk(context.Background(), func(string, io.Reader) error { return stop })
		assert.ErrorIs(t, err, stop)
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	for _, text := range []string{plain, zip} {
		err := source(t, file(t, "x", []byte(text)), feed.Options{}).Walk(ctx, func(string, io.Reader) error { cancel(); return nil })
		assert.ErrorIs(t, err, context.Canceled)
	}
}

// A list of members is read as a whole, so a long one would take much memory.
func TestWalkLongListOfMembers(t *testing.T) {
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	for i := range 1100 {
		_, err := w.CreateRaw(&zip.FileHeader{Name: fmt.Sprint(i), Comment: strings.Repeat("x", 65535)})
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
	_, err := visited(source(t, file(t, "x.zip", gzipped(t, out.String())), feed.Options{}))
	assert.ErrorContains(t, err, "its list of members is too long")
}

// xzContent is content as xz made it; xzHuge is the same with a header that asks
// for 4 GiB of memory.
const (
	xzContent = "/Td6WFoAAATm1rRGAgAhARYAAAB0L+WjAQAUdGhlIGNvbnRlbnQgb2YgYSBmZWVkAAAAAMSZ9vD89CkiAAEtFS8LcW0ftvN9AQAAAAAEWVo="
	xzHuge    = "/Td6WFoAAATm1rRGAgAhASgAAADmoBGzAQAUdGhlIGNvbnRlbnQgb2YgYSBmZWVkAAAAAMSZ9vD89CkiAAEtFS8LcW0ftvN9AQAAAAAEWVo="
)

func TestXZ(t *testing.T) {
	good, err := base64.StdEncoding.DecodeString(xzContent)
	require.NoError(t, err)
	s := source(t, file(t, "x.xz", good), feed.Options{})
	got, err := read(s, "")
	require.NoError(t, err)
	assert.Equal(t, content, got)
	assert.Equal(t, contentDigest, s.Digest())
	_, err = read(source(t, file(t, "x.xz", good[:len(good)-20]), feed.Options{}), "")
	assert.Error(t, err)

	huge, err := base64.StdEncoding.DecodeString(xzHuge)
	require.NoError(t, err)
	_, err = read(source(t, file(t, "x.xz", huge), feed.Options{}), "")
	assert.ErrorContains(t, err, "LZMA2 dictionary size exceeds max")
}

func FuzzWalk(f *testing.F) {
	f.Add([]byte(tarred(f, members())))
	f.Add([]byte(zipped(f, members())))
	f.Add(gzipped(f, tarred(f, members())))
	f.Add(bzipped(f))
	f.Add(zstandard(f, content))
	if b, err := base64.StdEncoding.DecodeString(xzContent); err == nil {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		path := file(t, "x", text)
		o := feed.Options{MaxUnpacked: 1 << 20}
		s := source(t, path, o)
		got, err := visited(s)
		for _, name := range got {
			name, _, _ := strings.Cut(name, "=")
			assert.False(t, strings.HasPrefix(name, "/") || strings.HasPrefix(name, "../"), name)
		}
		if err == nil {
			again := source(t, path, o)
			_, err = visited(again)
			require.NoError(t, err)
			assert.Equal(t, s.Digest(), again.Digest())
		}
	})
}

func TestProbe(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string][]byte{"a/one": []byte("first"), "b/two": gzipped(t, "second"), "c/three": []byte("third")} {
		require.NoError(t, os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o750))
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), text, 0o600))
	}
	var seen []string
	look := func(until string) func(name, head string) bool {
		return func(name, head string) bool { seen = append(seen, name+"="+head); return head == until }
	}
	src := source(t, dir, feed.Options{})
	before := src.Digest()
	found, err := src.Probe(t.Context(), look("second"))
	require.NoError(t, err)
	assert.True(t, found)
	assert.Equal(t, before, src.Digest())
	assert.Equal(t, []string{"a/one=first", "b/two=second"}, seen)
	found, err = source(t, dir, feed.Options{}).Probe(t.Context(), look("none"))
	require.NoError(t, err)
	assert.False(t, found)
	_, err = source(t, filepath.Join(dir, "no"), feed.Options{}).Probe(t.Context(), look(""))
	assert.ErrorContains(t, err, "no such file")
}
